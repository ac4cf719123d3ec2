-- day,tenant,plugin,metric,quantity: what `veroforge usage roll-up` prints, byte for byte. An id counts once, an id
-- with two bodies not at all (it is quarantined), nothing that is zero has a row.
SELECT day, tenant, plugin, metric, sum(quantity) AS quantity
FROM (
    SELECT substring(any(time), 1, 10) AS day, tenant, any(plugin) AS plugin,
        any(kind) AS line_kind,
        [
            tuple('apiCalls', any(apiCalls)), tuple('bytes', any(bytesIn) + any(bytesOut)),
            tuple('calls', any(calls)), tuple('executionMs', any(executionMs)),
            tuple('storageByteHours', if(line_kind = 'storage', any(storageBytes) * any(hours), 0))
        ] AS metrics,
        arrayJoin(metrics) AS entry, entry.1 AS metric, entry.2 AS quantity
    FROM metering.event
    GROUP BY tenant, id
    HAVING uniqExact(
        tuple(time, plugin, kind, calls, apiCalls, executionMs, bytesIn, bytesOut, storageBytes, hours)) = 1
)
WHERE quantity != 0
GROUP BY day, tenant, plugin, metric
ORDER BY day, tenant, plugin, metric
FORMAT CSV
