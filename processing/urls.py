"""Addresses of the pages of data-subject requests, below the list of erasures in the admin."""

from django.urls import path

from processing.privacy import pages

urlpatterns = [
    path("admin/processing/erasure/visitors/<int:property_id>/", pages.visitors, name="visitors-data"),
    path("admin/processing/erasure/property/<int:property_id>/", pages.delete, name="delete-property"),
]
