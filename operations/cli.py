"""The command ``hocphi``: one table of commands, each loaded only when it is called or listed.

So ``vietqr``, ``reference`` and ``adapters`` run with no environment and no server. Exit status: 0 done, 1 refused by
a rule, 2 wrong use or settings that do not describe a system.
"""

import signal
import sys
from collections.abc import Mapping
from importlib import import_module

import click

from bank_adapters.contract import AdapterError
from operations.binaries import ServiceError
from payments.errors import DomainError
from payments.settings import SettingsError

COMMANDS: Mapping[str, str] = {
    "account": "payments.banking.cli:account_group",
    "adapters": "bank_adapters.cli:adapters_group",
    "api-key": "payments.api.cli:api_key_group",
    "beat": "operations.processes:beat",
    "callback": "payments.developers.cli:callback_group",
    "demo": "operations.demo.run:demo",
    "chart": "payments.fees.chart_cli:chart_group",
    "connection": "payments.banking.connection_cli:connection_group",
    "doctor": "operations.doctor:doctor",
    "exception": "reconciliation.exceptions.cli:exception_group",
    "exemption": "payments.fees.exemption_cli:exemption_group",
    "family": "payments.portal.family_cli:family_group",
    "fee": "payments.fees.cli:fee_group",
    "holiday": "reconciliation.holidays.cli:holiday_group",
    "keys": "operations.processes:keys",
    "ledger": "reconciliation.cli:ledger_group",
    "link": "payments.portal.cli:link_group",
    "migrate": "operations.processes:migrate",
    "notice": "payments.notices.cli:notice_group",
    "order": "payments.orders.cli:order_group",
    "paper": "payments.paper.cli:paper_group",
    "payout": "payments.clearing.cli:payout_group",
    "poll": "payments.inbox.poll_cli:poll_group",
    "reconcile": "reconciliation.cli:reconcile_group",
    "reference": "payments.invoices.reference_cli:reference_group",
    "roster": "payments.schools.roster_cli:roster_group",
    "round": "payments.invoices.cli:round_group",
    "sandbox": "payments.developers.cli:sandbox_group",
    "school": "payments.schools.cli:school_group",
    "serve": "operations.serve:serve",
    "statement": "reconciliation.cli:statement_group",
    "transfer": "payments.settlement.cli:transfer_group",
    "user": "payments.access.cli:user_group",
    "virtual-account": "payments.banking.virtual_account_cli:virtual_account_group",
    "vietqr": "payments.vietqr.cli:vietqr_group",
    "webhook": "payments.events.cli:webhook_group",
    "worker": "operations.processes:worker",
}
"""Command -> ``module:attribute``."""

REFUSED = 1
WRONG_USE = 2


class LazyGroup(click.Group):
    """A group whose commands are imported on demand; a rule that refuses becomes one sentence and status 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click calls it so
        """The names of the table."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click calls it so
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(module), attribute)
        if "payments.db" in sys.modules:
            # Foreign keys are named by table: whoever writes rows needs every table known, not those of its room only.
            import_module("payments.tables")
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name]} is no command")
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; errors made for a person are printed for a person."""
        try:
            return super().invoke(ctx)
        except DomainError as error:
            click.echo(f"{error.vi} ({error.code})", err=True)
            ctx.exit(REFUSED)
        except (AdapterError, ServiceError) as error:
            click.echo(str(error), err=True)
            ctx.exit(REFUSED)
        except SettingsError as error:
            click.echo("Cấu hình chưa đúng / the settings do not describe a system:", err=True)
            for problem in error.problems:
                click.echo(f"- {problem}", err=True)
            ctx.exit(WRONG_USE)
        except Exception as error:
            said = _about_the_database(error)
            if said is None:
                raise
            click.echo(f"{said.vi} ({said.code})", err=True)
            ctx.exit(REFUSED)


def _about_the_database(error: Exception) -> DomainError | None:
    """What a person can do about a database that is away; asked of commands that have loaded one only."""
    if "payments.db" not in sys.modules:
        return None
    said: DomainError | None = sys.modules["payments.db"].readable(error)
    return said


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="hocphi", message="%(prog)s %(version)s")
def hocphi() -> None:
    """hocphi: thu học phí không tiền mặt, đối soát đến từng đồng. (Fees without cash, reconciled to the đồng.)"""


def main() -> None:
    """The console script; SIGTERM ends like Ctrl-C does, so that embedded services are stopped on the way out."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    hocphi(prog_name="hocphi")
