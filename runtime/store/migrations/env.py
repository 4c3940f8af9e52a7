"""Run by alembic for each command, on the connection and in the transaction of `runtime.store.schema`."""

from alembic import context

from runtime.store.rows import Rows

context.configure(connection=context.config.attributes["connection"], target_metadata=Rows.metadata)
context.run_migrations()
