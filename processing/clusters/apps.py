from django.apps import AppConfig


class ClustersConfig(AppConfig):
    """Installed where the store is on a cluster."""

    name = "processing.clusters"
    label = "clusters"
