"""JSON for school software: keys of one school, requests that can be repeated safely, pages, problems with codes.

``operation`` says what an operation is, ``resources`` has a module per subject, ``table`` lists them all; the routes
(``views``) and the description (``openapi``) both follow from that one table. ``strict`` reads what came, ``once``
executes a POST one time only. Messages that go out by themselves (events, webhooks) are another room's.
"""
