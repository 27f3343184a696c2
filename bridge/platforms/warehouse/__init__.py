"""Any warehouse that speaks the generic contract."""
