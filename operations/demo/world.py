"""Everything one demo runs on: an embedded PostgreSQL with durable settings, Valkey, fresh keys, our processes."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from celery.app import app_or_default
from sqlalchemy.engine import Engine

from operations.base_folder import BaseFolder, temporary_root
from operations.demo.processes import HOST, Processes, free_port, require_free
from operations.migrate import upgrade
from operations.services import EmbeddedPostgres, EmbeddedValkey
from payments.celery import make_celery
from payments.crypto import FieldCipher
from payments.db import make_engine
from payments.settings import Settings, generated_environment

MEMORY = {"shared_buffers": "256MB", "max_wal_size": "2GB"}
"""Memory only: whatever makes commits durable stays as it is."""


@dataclass(frozen=True, slots=True)
class World:
    """What the demo works with."""

    settings: Settings
    environment: Mapping[str, str]
    engine: Engine
    cipher: FieldCipher
    folder: Path
    port: int

    @contextmanager
    def processes(self) -> Iterator[Processes]:
        """Web, worker and beat for the block."""
        with Processes(self.environment, self.folder, self.port) as running:
            yield running


@contextmanager
def _waking(settings: Settings) -> Iterator[None]:
    """Let what this process commits wake the workers, for the block."""
    before = app_or_default()
    make_celery(settings, {})
    try:
        yield
    finally:
        before.set_current()
        before.set_default()


@contextmanager
def new_world(port: int | None = None) -> Iterator[World]:
    """Start the servers, migrate, make keys. Raises ServiceError when the port is taken or a server does not start."""
    if port is not None:
        require_free(port)
    with ExitStack() as stack:
        folder = BaseFolder("demo", temporary_root())
        stack.callback(folder.remove)
        postgres = stack.enter_context(EmbeddedPostgres(settings=MEMORY))
        valkey = stack.enter_context(EmbeddedValkey())
        upgrade(postgres.url)
        port = port or free_port()
        environment = generated_environment() | {
            "DATABASE_URL": postgres.url,
            "BROKER_URL": valkey.url,
            "RESULT_BACKEND": valkey.url,
            "HOCPHI_BASE_URL": f"http://{HOST}:{port}",
        }
        settings = Settings.from_env(environment)
        stack.enter_context(_waking(settings))
        engine = make_engine(settings.database_url)
        stack.callback(engine.dispose)
        yield World(settings, environment, engine, FieldCipher(settings.field_keys), folder.path, port)
