"""Signing out, by the button of a page; a visit of the address asks first."""

from django.contrib.auth.views import LogoutView
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache


@never_cache
def sign_out(request: HttpRequest) -> HttpResponseBase:
    """A GET changes nothing: a link or an image on another site cannot sign anybody out."""
    if request.method == "POST":
        return LogoutView.as_view()(request)
    if not request.user.is_authenticated:
        return redirect("login")
    return render(request, "registration/sign_out.html")
