// see docs/web.md
