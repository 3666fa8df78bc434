"""Small tables on the cluster, kept by django-cassandra-engine. Content never goes this way: see processing.store."""

from cassandra.cqlengine import columns
from django_cassandra_engine.models import DjangoCassandraModel


class SetUp(DjangoCassandraModel):  # type: ignore[misc]  # the driver has no types
    """One run of `setup_store`, so that an operator can see what was done to the keyspace, and when."""

    __table_name__ = "set_ups"

    kind = columns.Text(partition_key=True, default="store")
    at = columns.DateTime(primary_key=True, clustering_order="DESC")
    machine = columns.Text()
    replication = columns.Text()

    class Meta:
        get_pk_field = "at"
