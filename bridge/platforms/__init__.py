"""Outside systems, one package each; this table is all that knows them."""
