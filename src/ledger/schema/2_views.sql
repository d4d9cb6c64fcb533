-- Each record as the report has it. Ask by run_id; by group_id ask group_history, which has an index for it.
CREATE VIEW report AS
SELECT n.run_id,
       r.seq,
       r.group_id,
       coalesce((SELECT name FROM outcomes WHERE code = r.outcome), 'not_attempted') AS outcome,
       c.code AS error_code,
       coalesce(r.detail, c.info) AS error_info,
       r.attempts,
       c.http_status,
       c.latency_us / 1000.0 AS latency_ms,
       strftime('%Y-%m-%dT%H:%M:%fZ', r.started_at / 1000.0, 'unixepoch') AS started_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', c.answered_at / 1000.0, 'unixepoch') AS finished_at,
       i.name AS source,
       r.line
FROM runs n
JOIN records r ON r.id BETWEEN (n.id << 40) AND (n.id << 40) + 1099511627775
LEFT JOIN calls c ON c.id = (r.run << 40) + r.last_call
LEFT JOIN inputs i ON i.run = r.run AND i.idx = r.source;

-- Every run that met a group, and what came of it. Fast by group_id.
CREATE VIEW group_history AS
SELECT r.group_id,
       n.sdkappid,
       coalesce((SELECT name FROM outcomes WHERE code = r.outcome), 'not_attempted') AS outcome,
       strftime('%Y-%m-%dT%H:%M:%fZ', c.answered_at / 1000.0, 'unixepoch') AS answered_at,
       c.code AS error_code,
       c.info AS error_info,
       r.attempts,
       n.run_id,
       n.identifier,
       n.host,
       n.endpoint,
       r.seq,
       r.line
FROM records r
JOIN runs n ON n.id = r.run
LEFT JOIN calls c ON c.id = (r.run << 40) + r.last_call
WHERE r.kind = 0;

-- Every call, in the order of the decisions. Ask by run_id, and by seq for one group's calls.
CREATE VIEW call_log AS
SELECT n.run_id,
       c.call,
       c.record_seq AS seq,
       r.group_id,
       c.attempt,
       CASE WHEN c.withdrawn THEN 'never sent'
            WHEN c.may_have_acted IS NULL THEN 'no answer yet'
            WHEN c.answered_at IS NULL THEN 'answer lost'
            ELSE 'answered' END AS state,
       strftime('%Y-%m-%dT%H:%M:%fZ', c.intended_at / 1000.0, 'unixepoch') AS intended_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', c.answered_at / 1000.0, 'unixepoch') AS answered_at,
       c.http_status,
       c.code AS error_code,
       c.info AS error_info,
       c.latency_us / 1000.0 AS latency_ms,
       c.may_have_acted
FROM runs n
JOIN calls c ON c.id BETWEEN (n.id << 40) AND (n.id << 40) + 1099511627775
JOIN records r ON r.id = (c.run << 40) + c.record_seq;

-- Runs, newest first, with their counts.
CREATE VIEW run_history AS
SELECT run_id,
       sdkappid,
       status,
       strftime('%Y-%m-%dT%H:%M:%fZ', started_at / 1000.0, 'unixepoch') AS started_at,
       strftime('%Y-%m-%dT%H:%M:%fZ', finished_at / 1000.0, 'unixepoch') AS finished_at,
       exit_code,
       stop_reason,
       (SELECT json_group_object(what, n) FROM tallies WHERE run = runs.id AND n <> 0) AS counts,
       identifier,
       endpoint,
       host
FROM runs
ORDER BY id DESC;
