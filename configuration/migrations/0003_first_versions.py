"""Properties from before there were rules get version 1: the settings that their hits were received under."""

import json

from django.db import migrations


def content(item):
    return json.dumps(
        {
            "property": item.pk,
            "number": 1,
            "basics": {
                "zone": item.zone,
                "currency": item.currency,
                "session_timeout_s": item.session_timeout_s,
                "engaged_s": item.engaged_s,
                "domains": item.domains.split(),
                "bot_lists": item.bot_lists,
                "spam_list": item.spam_list,
            },
            "rules": [],
            "format": 1,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def publish_first(apps, schema_editor):
    alias = schema_editor.connection.alias  # a copy of the database is migrated under another one
    versions = apps.get_model("configuration", "RulesVersion")
    for item in apps.get_model("configuration", "Property").objects.using(alias):
        versions.objects.using(alias).create(
            property_number=item.pk, number=1, author="Hitstream", note="as created", content=content(item)
        )


class Migration(migrations.Migration):

    dependencies = [
        ('configuration', '0002_rules'),
    ]

    operations = [
        migrations.RunPython(publish_first, migrations.RunPython.noop),
    ]
