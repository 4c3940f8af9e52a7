"""Sandlot over HTTP: OpenAI's shapes and words at the edge, `runtime` behind them."""
