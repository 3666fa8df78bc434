"""Rewrites an embedded database once: earlier versions left what they deleted, such as salts, in its unused pages."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def vacuum(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "sqlite":
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("VACUUM")


class Migration(migrations.Migration):
    atomic = False  # SQLite rewrites a database outside of transactions only

    dependencies = [("processing", "0007_personal_data")]

    operations = [migrations.RunPython(vacuum, migrations.RunPython.noop)]
