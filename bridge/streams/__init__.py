"""Everything Kafka; no other package imports aiokafka."""
