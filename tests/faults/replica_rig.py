"""The rig with a real replica, and without a proxy before the primary: what goes is the server itself."""

from chalicelib.domain.list_sources import ListSource
from ops.local.app_environ import reader_environ
from tests.contract.real_parts import MariaDb, Replica, state_folder
from tests.faults.fault import PASS
from tests.faults.proxy import FaultProxy
from tests.faults.rig import HEAL_SECONDS, Call, Rig
from tests.local_cloud import until


def says_stale(call: Call) -> bool:
    """Whether an answer says that it may be old, in each of the ways, or in none of them."""
    marks = (
        call.headers.get("x-stale") == "replica",
        call.headers["cache-control"] == "no-store",
        "replica, may be old" in call.headers.get("server-timing", ""),
    )
    assert len(set(marks)) == 1, call.headers
    return marks[0]


class ReplicaRig(Rig):
    """The application on a primary and its replica, each of which can be stopped, killed and started."""

    replica: Replica

    def heal(self) -> None:
        """Primary and replica run, agree, and the application answers from the primary."""
        for server in (self.maria.server, self.replica.server):
            if server.process is None or server.process.poll() is not None:
                server.start()
            else:
                server.resume()
        assert until(lambda: not says_stale(self.list_all()), timeout_seconds=HEAL_SECONDS)
        assert self.list_all().status == 200
        self.catch_up()

    def catch_up(self) -> None:
        """Waits until the replica has what the primary has."""
        assert until(self.replica.has_caught_up, timeout_seconds=HEAL_SECONDS)

    def close(self) -> None:
        super().close()
        self.replica.server.kill()

    def _made_maria(self) -> MariaDb:
        maria = MariaDb(state_folder(self.folder / "mariadb"), replicated=True)
        self.replica = Replica(maria)
        return maria

    def _database_port(self) -> int:
        return self.maria.port

    def _reader_environ(self) -> dict[str, str]:
        return reader_environ("127.0.0.1", self.replica.port)


class ProxiedReplicaRig(ReplicaRig):
    """The same, with a proxy before the replica: `proxies["replica"]`."""

    def heal(self) -> None:
        for proxy in self.proxies.values():
            proxy.fault = PASS
        super().heal()

    def given_by_the_replica(self) -> int:
        """How many lists the replica gave so far."""
        return self.services.replica.counts.of(ListSource.REPLICA)

    def lists_from_the_replica(self) -> bool:
        """Whether a list that is asked for now is the replica's."""
        before = self.given_by_the_replica()
        assert self.list_all().status == 200
        return self.given_by_the_replica() > before

    def _reader_environ(self) -> dict[str, str]:
        self.proxies["replica"] = FaultProxy("127.0.0.1", self.replica.port)
        return reader_environ("127.0.0.1", self.proxies["replica"].port)
