"""One module per resource: read the request, call one service, write the answer."""
