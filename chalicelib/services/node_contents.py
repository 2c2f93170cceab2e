"""What a node holds, told by the images that the objects and renditions belong to: one's own, for an admin all."""

from dataclasses import dataclass

from chalicelib.domain.accounts import Principal
from chalicelib.domain.errors import UnknownNodeError
from chalicelib.domain.fleet import Node
from chalicelib.domain.partitions import partition_of
from chalicelib.domain.ports import FleetMaps, ImageRows, NodeAdmins
from chalicelib.domain.stored_renditions import kind_of, original_of
from chalicelib.services.fleet_views import ContentsPage, HeldItem

MOST_LISTED = 20_000  # objects that one node is asked to name


@dataclass(frozen=True, slots=True)
class NodeContents:
    """Lists nodes' contents."""

    maps: FleetMaps
    admins: NodeAdmins
    image_rows: ImageRows

    def page(self, principal: Principal, node_id: str, after: str, limit: int) -> ContentsPage:
        """At most `limit` objects whose keys sort behind `after`. Raises UnknownNodeError or NodeError."""
        node = self._node(node_id)
        listed, more = self.admins.of(node).items(MOST_LISTED)
        behind = sorted((item for item in listed if item.object_key > after), key=lambda item: item.object_key)
        shown = behind[:limit]
        originals = {item.object_key: original_of(item.object_key) for item in shown}
        images = {image.object_key: image for image in self.image_rows.by_object_keys(list(originals.values()))}
        owner_id = self.image_rows.owner(principal).id
        named = [(item, images.get(originals[item.object_key])) for item in shown]
        found = [(item, image) for item, image in named if image is not None]
        items = tuple(
            HeldItem(
                image,
                kind_of(item.object_key),
                image.owner_id == owner_id,
                partition_of(image.key),
                item.bytes,
                item.used_at,
            )
            for item, image in found
            if principal.admin or image.owner_id == owner_id
        )
        return ContentsPage(
            node_id=node.id,
            address=node.address,
            items=items,
            hidden=len(found) - len(items),
            removed=len(shown) - len(found),
            listed=len(listed),
            more=more,
            next_after=shown[-1].object_key if len(behind) > limit else None,
        )

    def _node(self, node_id: str) -> Node:
        for node in self.maps.current().named:
            if node.id == node_id:
                return node
        raise UnknownNodeError(f"The fleet map names no node “{node_id}”.")
