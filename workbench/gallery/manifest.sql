-- The manifest of a gallery: what it holds, commit by commit. Understood by SQLite and Postgres;
-- {keyed} is what SQLite says of a table that is its own index. Times are microseconds since
-- 1970 UTC, days are UTC days since then, places are along the Hilbert curve of order.py.

CREATE TABLE gallery (              -- one row
    format          BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    -- the profile: templates of different ones never meet
    profile         TEXT NOT NULL,
    detector        TEXT NOT NULL,
    recogniser      TEXT NOT NULL,
    alignment       TEXT NOT NULL,
    metric          TEXT NOT NULL,
    dimension       BIGINT NOT NULL,
    version         TEXT NOT NULL,
    weights         TEXT NOT NULL,          -- JSON: [[file, sha256], …]
    fingerprint     TEXT NOT NULL,
    owner           TEXT NOT NULL,          -- id of the installation it belongs to; '': none yet
    last_commit     BIGINT NOT NULL,        -- number of the last commit; 0: none
    committed_at    BIGINT NOT NULL,
    oldest_commit   BIGINT NOT NULL,        -- whose parts are all named still
    cameras_commit  BIGINT NOT NULL,        -- the last that changed a camera, or a place of one
    clocks_commit   BIGINT NOT NULL,        -- the last that set a clock
    next_pack       BIGINT NOT NULL,
    -- What is looked for up to a moment began at most so long before.
    longest_recording BIGINT NOT NULL,      -- microseconds
    longest_tracklet  BIGINT NOT NULL
);

-- The life of a part or pack: reserved (added is null), live, dropped, and then its objects are
-- deleted and the row after them. A reserved one belongs to no commit; it may be dropped as well.
CREATE TABLE parts (
    name            TEXT PRIMARY KEY,       -- 16 hexadecimal digits
    day             BIGINT NOT NULL,        -- on which its tracklets were first seen
    place_low       BIGINT,                 -- of its cameras, the first place along the curve
    place_high      BIGINT,                 -- and the last
    first_seen      BIGINT,                 -- of its tracklets; null if there is none
    last_seen       BIGINT,
    recordings      BIGINT,
    tracklets       BIGINT,
    templates       BIGINT,
    uncertain       BIGINT,                 -- tracklets whose times are in doubt
    earlier         BIGINT,                 -- and those with times by rules of an earlier version
    bytes           BIGINT,
    files           TEXT,                   -- JSON: [[name, bytes, sha256], …]
    role            TEXT NOT NULL,          -- which kind of process reserved it
    reserved_at     BIGINT NOT NULL,
    added           BIGINT,                 -- commit since which it is one
    dropped         BIGINT,                 -- commit since which it is none; 0: it never was one
    dropped_at      BIGINT
) {keyed};
-- All that a plan asks of a part, so that those it leaves out are not read, nor those it counts.
CREATE INDEX parts_by_day ON parts (
    day, place_low, place_high, first_seen, last_seen, added, dropped,
    tracklets, templates, uncertain, earlier
);
CREATE INDEX parts_not_live ON parts (dropped) WHERE added IS NULL OR dropped IS NOT NULL;

CREATE TABLE packs (
    name            TEXT PRIMARY KEY,       -- 16 hexadecimal digits
    pack            BIGINT NOT NULL,        -- number by which rows name it, whichever object it is
    day             BIGINT NOT NULL,
    bytes           BIGINT,
    live_bytes      BIGINT,                 -- of records that rows name
    sha256          TEXT,
    role            TEXT NOT NULL,
    reserved_at     BIGINT NOT NULL,
    added           BIGINT,
    dropped         BIGINT,
    dropped_at      BIGINT
) {keyed};
CREATE UNIQUE INDEX packs_by_number ON packs (pack)
    WHERE added IS NOT NULL AND dropped IS NULL;
CREATE INDEX packs_not_live ON packs (dropped) WHERE added IS NULL OR dropped IS NOT NULL;

CREATE TABLE recordings (           -- its key is what keeps a recording from being stored twice
    recording_id    TEXT PRIMARY KEY,
    camera_id       TEXT NOT NULL,
    file            TEXT NOT NULL,          -- as catalogued
    catalogue       TEXT NOT NULL,          -- folder of the one that listed it; '': not noted
    sha256          TEXT NOT NULL,          -- of the source file
    size_bytes      BIGINT NOT NULL,
    modified_ns     BIGINT NOT NULL,
    stream          BIGINT NOT NULL,        -- which picture stream, from 1; 0: not noted
    rotation        BIGINT,                 -- degrees clockwise; null: as the file says
    pixel_aspect    TEXT,                   -- width by height, as 12/11; null: as the file says
    frame_rate      DOUBLE PRECISION,       -- pictures taken a second; null: as the file says
    stated_at       BIGINT NOT NULL,        -- when it began, by the camera's clock or the list
    seconds         DOUBLE PRECISION NOT NULL,
    started_at      BIGINT NOT NULL,        -- corrected: the earliest moment
    ended_at        BIGINT NOT NULL,        -- and the latest
    first_day       BIGINT NOT NULL,        -- days on which it has rows in parts
    last_day        BIGINT NOT NULL,
    indexed         BIGINT NOT NULL,        -- 1: into this gallery; 0: brought along
    -- What else is listed of it, so that no part is read for a list.
    width           BIGINT NOT NULL,
    height          BIGINT NOT NULL,
    frames_decoded  BIGINT NOT NULL,
    frames_examined BIGINT NOT NULL,
    faces           BIGINT NOT NULL,
    stopped         TEXT NOT NULL,          -- why reading ended
    elapsed_seconds DOUBLE PRECISION NOT NULL,
    indexed_at      BIGINT NOT NULL,
    tracklets       BIGINT NOT NULL,        -- that parts hold of it
    unsearchable    BIGINT NOT NULL,        -- of these, without a template
    problems        BIGINT NOT NULL,
    divided         BIGINT NOT NULL,        -- 1: what could be seen stands in spans
    -- JSON, null where there is nothing but one plain stretch.
    stretches       TEXT,
    unseen          TEXT,
    legs            TEXT,
    track           TEXT NOT NULL
) {keyed};
-- All that questions about footage ask of a recording, so that its row is not read for them.
CREATE INDEX recordings_by_camera ON recordings (camera_id, started_at, ended_at, divided);
CREATE INDEX recordings_by_start ON recordings (started_at, ended_at, divided, camera_id);
CREATE INDEX recordings_by_content ON recordings (sha256);
CREATE INDEX recordings_by_file ON recordings (file);
CREATE INDEX recordings_brought ON recordings (indexed) WHERE indexed = 0;
CREATE INDEX recordings_told ON recordings (camera_id) WHERE stretches IS NOT NULL;
CREATE INDEX recordings_on_track ON recordings (camera_id) WHERE legs IS NOT NULL;

CREATE TABLE spans (                -- of divided recordings
    recording_id    TEXT NOT NULL,
    camera_id       TEXT NOT NULL,
    started_at      BIGINT NOT NULL,
    ended_at        BIGINT NOT NULL,
    seen            BIGINT NOT NULL         -- 1: could be seen; 0: could not, by damage or a pause
);
CREATE INDEX spans_by_camera ON spans (camera_id, started_at);
CREATE INDEX spans_by_start ON spans (started_at);
CREATE INDEX spans_by_recording ON spans (recording_id);

CREATE TABLE cameras (
    camera_id       TEXT PRIMARY KEY,
    name            TEXT NOT NULL,
    latitude        DOUBLE PRECISION,       -- null: not known
    longitude       DOUBLE PRECISION,
    noted_at        BIGINT NOT NULL         -- of several that came together, the newest holds
) {keyed};

CREATE TABLE places (               -- under which rows of a camera lie, wherever it stands now
    camera_id       TEXT NOT NULL,
    place           BIGINT NOT NULL,
    PRIMARY KEY (camera_id, place)
) {keyed};

CREATE TABLE clocks (               -- offsets given for a folder or camera, for what comes later
    camera_id       TEXT NOT NULL,          -- '': any
    folder          TEXT NOT NULL,          -- of the files as catalogued; '': any
    since           BIGINT,                 -- for recordings that begin from then, as stated
    until           BIGINT,
    offset_seconds  DOUBLE PRECISION NOT NULL,
    uncertainty_seconds DOUBLE PRECISION,
    found_by        TEXT NOT NULL,
    how             TEXT NOT NULL,
    found_at        BIGINT NOT NULL,
    catalogue       TEXT NOT NULL
);

CREATE TABLE runs (                 -- of indexing
    source          TEXT NOT NULL,
    started_at      BIGINT NOT NULL,
    ended_at        BIGINT NOT NULL,
    indexed         BIGINT NOT NULL,
    refused         BIGINT NOT NULL,
    unfinished      BIGINT NOT NULL         -- not come to, because the run was stopped
);

CREATE TABLE refusals (             -- footage there is, but nobody can have been seen in
    camera_id       TEXT NOT NULL,
    file            TEXT NOT NULL,
    started_at      BIGINT NOT NULL,        -- by the list, as are the offset and the catalogue
    reason          TEXT NOT NULL,
    refused_at      BIGINT NOT NULL,
    offset_seconds  DOUBLE PRECISION NOT NULL,
    catalogue       TEXT NOT NULL,
    PRIMARY KEY (camera_id, file, started_at)
);
