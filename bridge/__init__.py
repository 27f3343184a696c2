"""Order-keeping bridge between returns platforms and the systems behind them."""
