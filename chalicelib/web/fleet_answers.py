"""The fleet as /api/v1 tells it. Partitions are counted from 1, moments are RFC 3339, what nobody could say is null."""

from chalicelib.domain import cache_settings
from chalicelib.domain.cache_settings import CacheSettings
from chalicelib.domain.decisions import MINUTE_SECONDS, Decision
from chalicelib.domain.keys import text_of
from chalicelib.domain.rates import Rates
from chalicelib.services.fleet_views import (
    Changed,
    Cleared,
    ContentsPage,
    DecisionPage,
    FleetView,
    HeldItem,
    MinuteView,
    MoveView,
    NodeView,
    Notice,
    Preview,
    Told,
)
from chalicelib.web.json_answers import instant, instant_or_none

Answer = dict[str, object]


def fleet_answer(view: FleetView) -> Answer:
    """The whole fleet."""
    return {
        "map_version": view.map_version,
        "mode": view.settings.mode,
        "target": view.target,
        "serving": view.serving,
        "moved_at": instant_or_none(view.moved_at),
        "moving": [_move(move) for move in view.moving],
        "nodes": [_node(node) for node in view.nodes],
        "last_minute": {
            "requests": view.rates.requests,
            "origin_reads": view.rates.origin_reads,
            "waits": view.rates.waits,
            "copies": view.rates.copies,
            "oversize": view.rates.oversize,
            **_rates(view.rates),
            "silent_nodes": list(view.rates.silent_nodes),
        },
        "scaler": {
            "run": view.reported_run,
            "ran_at": instant_or_none(view.reported_at),
            "notes": list(view.notes),
        },
    }


def notice_answer(notice: Notice) -> Answer:
    """What a page needs to tell of a resize."""
    return {"version": notice.version, "nodes": notice.nodes, "moved_at": instant_or_none(notice.moved_at)}


def settings_answer(settings: CacheSettings) -> Answer:
    """The settings by the contract's names."""
    return cache_settings.by_name(settings)


def changed_answer(changed: Changed) -> Answer:
    """The settings after a change, and whether the parts that follow them were told at once."""
    return {
        "settings": settings_answer(changed.settings),
        "scaler_woken": changed.woken,
        "orders": [_told(told) for told in changed.orders],
    }


def history_answer(minutes: tuple[MinuteView, ...]) -> Answer:
    """Closed minutes, oldest first."""
    return {
        "minutes": [
            {
                "minute": instant_or_none(each.minute * MINUTE_SECONDS),
                "nodes": each.nodes,
                "requests": each.requests,
                "hit_rate": each.hit_rate,
                "miss_rate": each.miss_rate,
                "items": each.items,
                "bytes": each.bytes,
            }
            for each in minutes
        ]
    }


def decisions_answer(page: DecisionPage) -> Answer:
    """A page of the decision log."""
    return {"decisions": [_decision(each) for each in page.decisions], "next_before": page.next_before}


def preview_answer(preview: Preview) -> Answer:
    """What a change would move."""
    return {
        "nodes": preview.nodes,
        "assignment": preview.assignment,
        "moves": [
            {"partition": p + 1, "from": preview.before[p], "to": preview.after[p]} for p in sorted(preview.moves)
        ],
        "owners": list(preview.after),
        "joining": list(preview.joining),
        "leaving": list(preview.leaving),
    }


def contents_answer(page: ContentsPage) -> Answer:
    """A page of what a node holds."""
    return {
        "node": page.node_id,
        "items": [_held(item) for item in page.items],
        "hidden": page.hidden,
        "removed": page.removed,
        "listed": page.listed,
        "more": page.more,
        "next_after": page.next_after,
    }


def cleared_answer(cleared: Cleared) -> Answer:
    """What became of clearing every node."""
    return {"nodes": [_told(told) for told in cleared.nodes]}


def _node(node: NodeView) -> Answer:
    told = node.told
    return {
        "id": node.id,
        "address": node.address,
        "state": node.state,
        "answers": node.answers,
        "why": node.why,
        "partitions": [partition + 1 for partition in node.partitions],
        "joined_at": instant_or_none(node.joined_at),
        "items": told and told.items,
        "bytes": told and told.bytes,
        "capacity_bytes": told and told.capacity_bytes,
        "evictions": told and told.evictions,
        "connections": told and told.connections,
        "uptime_seconds": told and told.uptime_seconds,
        "version": told and told.version,
        "requests": node.rates and node.rates.requests,
        **_rates(node.rates),
    }


def _rates(rates: Rates | None) -> Answer:
    """A request and its origin read may fall into two windows: a rate is at most 1 all the same."""
    miss = None if rates is None or rates.miss is None else min(1.0, rates.miss)
    return {"miss_rate": miss, "hit_rate": None if miss is None else 1 - miss}


def _move(move: MoveView) -> Answer:
    return {
        "partition": move.partition + 1,
        "from": list(move.before),
        "to": move.now,
        "copies_last_minute": move.copies,
    }


def _told(told: Told) -> Answer:
    return {"node": told.node_id, "done": told.done, "why": told.why}


def _decision(decision: Decision) -> Answer:
    return {
        "id": decision.id,
        "minute": instant_or_none(None if decision.minute is None else decision.minute * MINUTE_SECONDS),
        "decided_at": instant(decision.decided_at),
        "run": decision.run,
        "rule": decision.rule,
        "reason": decision.reason,
        "before": decision.before,
        "target": decision.target,
        "outcome": decision.outcome,
        "samples": [
            {
                "node": sample.node_id,
                "requests": sample.requests,
                "hits": sample.hits,
                "misses": sample.misses,
                "copies": sample.copies,
                "items": sample.items,
                "bytes": sample.bytes,
            }
            for sample in decision.samples
        ],
        "left_out": dict(decision.left_out or {}),
    }


def _held(item: HeldItem) -> Answer:
    return {
        "key": text_of(item.image.key),
        "mine": item.mine,
        "partition": item.partition + 1,
        "bytes": item.bytes,
        "used_at": instant_or_none(item.used_at),
    }
