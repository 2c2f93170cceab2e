"""The real parts, each made when it is first used. Nothing is connected before that."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from chalicelib.wiring.aws_ports import AwsPorts
from chalicelib.wiring.made_once import at_first_use, made_once
from chalicelib.wiring.mysql_ports import MySqlPorts

if TYPE_CHECKING:
    from chalicelib.adapters.inspector import ChildInspector
    from chalicelib.adapters.memcached import MemcachedNodes
    from chalicelib.adapters.memcached_admin import MemcachedNodeAdmins
    from chalicelib.adapters.renderer import ChildRenderer
    from chalicelib.adapters.system_clock import SystemClock
    from chalicelib.domain.account_ports import Passwords
    from chalicelib.services.readiness import Probe


class RealPorts(MySqlPorts, AwsPorts):
    """Every port, on the parts that the configuration names. Conforms to `Ports`."""

    @made_once
    def probes(self) -> "Mapping[str, Probe]":
        from chalicelib.services.readiness import Probe, nodes_answer

        return {
            "database": Probe(lambda: self._database.select("SELECT 1", seconds=1.0), 1.2, needed=True),
            "bucket": Probe(lambda: self.objects.check(), 2.0, needed=True),
            "queue": Probe(lambda: self.queue.check(), 2.0, needed=False),
            "fleet": Probe(lambda: nodes_answer(self.maps, self.admins), 2.0, needed=False),
        }

    @made_once
    def clock(self) -> "SystemClock":
        from chalicelib.adapters.system_clock import SystemClock

        return SystemClock()

    @made_once
    def caches(self) -> "MemcachedNodes":
        from chalicelib.adapters.memcached import MemcachedNodes, NodePolicy

        return MemcachedNodes(NodePolicy(timeout_seconds=self._config.cache_timeout_seconds))

    @made_once
    def admins(self) -> "MemcachedNodeAdmins":
        from chalicelib.adapters.memcached_admin import MemcachedNodeAdmins

        return MemcachedNodeAdmins()

    @made_once
    def passwords(self) -> "Passwords":
        def build() -> "Passwords":
            from chalicelib.adapters.argon2_passwords import Argon2Passwords

            return Argon2Passwords()

        return at_first_use(build)

    @made_once
    def inspector(self) -> "ChildInspector":
        from chalicelib.adapters.inspector import ChildInspector

        return ChildInspector(time_limit_seconds=self._config.inspect_seconds)

    @made_once
    def renderer(self) -> "ChildRenderer":
        from chalicelib.adapters.renderer import ChildRenderer

        return ChildRenderer()
