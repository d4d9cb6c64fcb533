CREATE TABLE runs (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id         TEXT    NOT NULL UNIQUE,
    sdkappid       INTEGER NOT NULL,
    endpoint       TEXT    NOT NULL,
    identifier     TEXT    NOT NULL,
    options        TEXT    NOT NULL, -- JSON, of the newest session
    version        TEXT    NOT NULL, -- of the program, newest session
    host           TEXT    NOT NULL, -- newest session
    pid            INTEGER NOT NULL, -- newest session
    started_at     INTEGER NOT NULL,
    finished_at    INTEGER,          -- NULL while it is running, or if its process was killed
    status         TEXT    NOT NULL CHECK (status IN ('unconfirmed', 'running', 'finished', 'stopped', 'interrupted')),
    stop_reason    TEXT,
    exit_code      INTEGER,
    input_complete INTEGER NOT NULL DEFAULT 0 -- 1: every record of the input is in the ledger
) STRICT;

CREATE INDEX runs_by_app ON runs (sdkappid);

CREATE TABLE sessions (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    run         INTEGER NOT NULL REFERENCES runs (id),
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    options     TEXT    NOT NULL,
    version     TEXT    NOT NULL,
    host        TEXT    NOT NULL,
    pid         INTEGER NOT NULL,
    status      TEXT    NOT NULL CHECK (status IN ('unconfirmed', 'running', 'finished', 'stopped', 'interrupted')),
    stop_reason TEXT,
    exit_code   INTEGER
) STRICT;

CREATE INDEX sessions_by_run ON sessions (run);

CREATE TABLE inputs (
    run  INTEGER NOT NULL REFERENCES runs (id),
    idx  INTEGER NOT NULL,
    name TEXT    NOT NULL, -- as reports show it
    path ANY,              -- absolute, to read it again (a BLOB if it is not UTF-8); NULL for stdin
    PRIMARY KEY (run, idx)
) STRICT, WITHOUT ROWID;

-- No foreign keys from here on: the ids hold the run, and a look-up for each row would cost as much as the row.
CREATE TABLE records (
    id             INTEGER PRIMARY KEY,        -- run << 40 | seq
    kind           INTEGER NOT NULL,           -- see kinds
    outcome        INTEGER,                    -- see outcomes; NULL: none yet
    attempts       INTEGER NOT NULL DEFAULT 0, -- calls whose answer is known, or known to be lost
    may_have_acted INTEGER NOT NULL DEFAULT 0, -- one of those may have disbanded the group without saying so
    source         INTEGER NOT NULL,           -- inputs.idx
    line           INTEGER NOT NULL,
    started_at     INTEGER,                    -- when the first call was about to leave
    last_call      INTEGER,                    -- calls.call
    group_id       TEXT    NOT NULL,           -- as it stood in the input
    detail         TEXT,                       -- why it is invalid
    run            INTEGER GENERATED ALWAYS AS (id >> 40) VIRTUAL,
    seq            INTEGER GENERATED ALWAYS AS (id & 1099511627775) VIRTUAL
) STRICT;

CREATE UNIQUE INDEX records_by_group ON records (group_id, run) WHERE kind = 0;

CREATE TABLE calls (
    id             INTEGER PRIMARY KEY,        -- run << 40 | call
    record_seq     INTEGER NOT NULL,           -- records.seq
    attempt        INTEGER NOT NULL,           -- which call for this group, from 1, over all sessions
    may_have_acted INTEGER,                    -- NULL: no answer yet; 1: the group may be gone without an answer saying so
    withdrawn      INTEGER NOT NULL DEFAULT 0, -- 1: intended, but never sent
    intended_at    INTEGER NOT NULL,
    answered_at    INTEGER,                    -- NULL with may_have_acted = 1: the process died first
    http_status    INTEGER,
    code           INTEGER,                    -- ErrorCode
    latency_us     INTEGER,
    info           TEXT,                       -- ErrorInfo, or the transport's fault
    run            INTEGER GENERATED ALWAYS AS (id >> 40) VIRTUAL,
    call           INTEGER GENERATED ALWAYS AS (id & 1099511627775) VIRTUAL
) STRICT;

CREATE TABLE tallies (
    run  INTEGER NOT NULL,
    what TEXT    NOT NULL, -- an outcome's name, 'pending', 'calls' or 'retries'
    n    INTEGER NOT NULL,
    PRIMARY KEY (run, what)
) STRICT, WITHOUT ROWID;

CREATE TABLE kinds (code INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
INSERT INTO kinds VALUES (0, 'candidate'), (1, 'duplicate'), (2, 'invalid'), (3, 'protected');

CREATE TABLE outcomes (code INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
INSERT INTO outcomes VALUES
    (1, 'disbanded'), (2, 'already_gone'), (3, 'presumed_disbanded'), (4, 'failed'), (5, 'exhausted'),
    (6, 'invalid'), (7, 'duplicate'), (8, 'protected'), (9, 'would_disband');
