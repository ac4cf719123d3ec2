-- day,tenant,plugin,metric,quantity: what `veroforge usage roll-up` prints, byte for byte. An id counts once, an id
-- with two bodies not at all (it is quarantined), nothing that is zero has a row.
SELECT one_day, tenant, one_plugin, metric, sum(quantity) AS total
FROM (
    SELECT one_day, tenant, one_plugin, entry.1 AS metric, entry.2 AS quantity
    FROM (
        SELECT substring(any(time), 1, 10) AS one_day, tenant, any(plugin) AS one_plugin,
            [
                tuple('apiCalls', any(apiCalls)), tuple('bytes', any(bytesIn) + any(bytesOut)),
                tuple('calls', any(calls)), tuple('executionMs', any(executionMs)),
                tuple('storageByteHours', any(if(kind = 'storage', storageBytes * hours, 0)))
            ] AS metrics,
            uniqExact(
                tuple(time, plugin, kind, calls, apiCalls, executionMs, bytesIn, bytesOut, storageBytes, hours)
            ) AS bodies
        FROM metering.event
        GROUP BY tenant, id
    )
    ARRAY JOIN metrics AS entry
    WHERE bodies = 1
)
WHERE quantity != 0
GROUP BY one_day, tenant, one_plugin, metric
ORDER BY one_day, tenant, one_plugin, metric
FORMAT CSV
