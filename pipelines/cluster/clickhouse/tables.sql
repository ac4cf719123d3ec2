-- One shard's events, and the face of all shards: a tenant's events lie on one shard, so that one id is seen whole.
-- MergeTree keeps every copy of a line; the roll-up removes them by id, whenever they came.
CREATE DATABASE IF NOT EXISTS metering;
CREATE TABLE IF NOT EXISTS metering.event_local (
    id String, time String, tenant String, plugin String, kind String, calls Int64, apiCalls Int64,
    executionMs Int64, bytesIn Int64, bytesOut Int64, storageBytes Int64, hours Int64
) ENGINE = MergeTree ORDER BY (tenant, id);
CREATE TABLE IF NOT EXISTS metering.event AS metering.event_local
    ENGINE = Distributed(metering, metering, event_local, cityHash64(tenant));
