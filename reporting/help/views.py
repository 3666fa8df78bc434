"""The pages of the manual. Everybody may read them."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from reporting.help.manual import INDEX, names, page_of, search

LONGEST_SEARCH = 100


@require_GET
def help_page(request: HttpRequest, name: str = INDEX) -> HttpResponse:
    page = page_of(name)
    if page is None:
        raise Http404
    asked = request.GET.get("q", "")[:LONGEST_SEARCH].strip()
    others = [found for found in map(page_of, names()) if found]
    context = {"page": page, "pages": others, "search": asked, "found": search(asked) if asked else None}
    return render(request, "reporting/help.html", context)
