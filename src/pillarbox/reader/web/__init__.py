"""The page: Starlette, Jinja2, htmx.

``site``      the application: all routes of all features, and what stands in front of them (``guard``)
``guard``     who may come in: the token and the cookie, Host, Origin, CSRF; the headers of every reply
``pages``     a template becomes a reply: whole, or only the part that htmx asked for
``files``     styles, scripts and pictures, from memory
``events``    news for open pages (server-sent events)

Each feature is a module (or package) in ``features``, with one function ``routes(desk) -> list[BaseRoute]``, its
templates in ``templates/FEATURE/``, styles in ``static/FEATURE.css`` and scripts in ``static/FEATURE.js``.

Every view is a URL, and is whole without JavaScript. htmx asks for the same URL and gets the part that has
changed. What changes something is a POST with a CSRF token; it answers with 303 to where one was, or to htmx with the parts
that have changed.
"""
