-- The tables of a gallery. {dimension} is the length of its profile's templates.
-- Times are UTC, boxes are in pixels of the upright frame, coordinates are WGS 84 degrees.

-- Part 1: the gallery's own file, replaced as a whole at each commit --------------------------

CREATE TABLE gallery (              -- one row
    schema_version  INTEGER NOT NULL,
    created_at      TIMESTAMPTZ NOT NULL,
    -- the profile: templates of different ones never meet
    profile         VARCHAR NOT NULL,
    detector        VARCHAR NOT NULL,
    recogniser      VARCHAR NOT NULL,
    alignment       VARCHAR NOT NULL,
    metric          VARCHAR NOT NULL CHECK (metric IN ('cosine', 'euclidean')),
    dimension       INTEGER NOT NULL CHECK (dimension > 0),
    version         VARCHAR NOT NULL,
    fingerprint     VARCHAR NOT NULL
);

CREATE TABLE weights (              -- of the profile's networks
    file            VARCHAR PRIMARY KEY,
    sha256          VARCHAR NOT NULL
);

CREATE TABLE segments (             -- the parts there are, each a folder, never changed
    name            VARCHAR PRIMARY KEY,    -- in the order in which they came
    recordings      BIGINT NOT NULL,
    tracklets       BIGINT NOT NULL,
    templates       BIGINT NOT NULL,
    bytes           BIGINT NOT NULL,
    checksum        VARCHAR NOT NULL        -- SHA-256 of the list of its files' SHA-256
);

-- Part 2: rows.duckdb of each segment, beside templates (index.py) and best shots (best.py) ----

CREATE TABLE cameras (
    camera_id       VARCHAR PRIMARY KEY,
    name            VARCHAR NOT NULL,
    latitude        DOUBLE NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude       DOUBLE NOT NULL CHECK (longitude BETWEEN -180 AND 180),
    noted_at        TIMESTAMPTZ NOT NULL    -- of several in a gallery, the newest holds
);

CREATE TABLE recordings (
    recording_id    VARCHAR PRIMARY KEY,    -- names content, camera and start
    camera_id       VARCHAR NOT NULL,
    file            VARCHAR NOT NULL,       -- as catalogued
    started_at      TIMESTAMPTZ NOT NULL,
    ended_at        TIMESTAMPTZ NOT NULL CHECK (ended_at >= started_at),
    sha256          VARCHAR NOT NULL,       -- of the source file
    size_bytes      BIGINT NOT NULL,
    modified_ns     BIGINT NOT NULL,
    width           INTEGER NOT NULL,
    height          INTEGER NOT NULL,
    frames_decoded  INTEGER NOT NULL,
    frames_examined INTEGER NOT NULL,
    faces           INTEGER NOT NULL,
    stopped         VARCHAR NOT NULL,       -- why reading ended
    elapsed_seconds DOUBLE NOT NULL,        -- that the work took
    indexed_at      TIMESTAMPTZ NOT NULL
);

-- The tables below come with their recording, whose primary key keeps them from coming twice; keys
-- of their own would hold an index of every row in memory.

CREATE TABLE tracklets (            -- what people read
    recording_id    VARCHAR NOT NULL,
    ordinal         INTEGER NOT NULL,       -- inside its recording, from 0
    camera_id       VARCHAR NOT NULL,
    first_seen      TIMESTAMPTZ NOT NULL,
    last_seen       TIMESTAMPTZ NOT NULL CHECK (last_seen >= first_seen),
    detections      INTEGER NOT NULL,
    searchable      BOOLEAN NOT NULL        -- false: seen, but no shot good enough
);

CREATE TABLE shots (
    recording_id    VARCHAR NOT NULL,
    ordinal         INTEGER NOT NULL,
    rank            INTEGER NOT NULL,       -- 0 is the best shot
    seconds         DOUBLE NOT NULL,        -- presentation time in the recording
    time            TIMESTAMPTZ NOT NULL,
    x DOUBLE NOT NULL, y DOUBLE NOT NULL, width DOUBLE NOT NULL, height DOUBLE NOT NULL,
    quality DOUBLE NOT NULL, size DOUBLE NOT NULL, sharpness DOUBLE NOT NULL,
    pose DOUBLE NOT NULL, exposure DOUBLE NOT NULL,
    occlusion DOUBLE NOT NULL, landmarks DOUBLE NOT NULL,
    jpeg            BLOB NOT NULL,
    template        FLOAT[{dimension}] NOT NULL
);

CREATE TABLE problems (             -- what went wrong in a recording while the rest went on
    recording_id    VARCHAR NOT NULL,
    what            VARCHAR NOT NULL,
    at_seconds      DOUBLE
);

CREATE TABLE runs (                 -- of indexing
    source          VARCHAR NOT NULL,       -- the catalogue
    started_at      TIMESTAMPTZ NOT NULL,
    ended_at        TIMESTAMPTZ NOT NULL,
    indexed         INTEGER NOT NULL,
    refused         INTEGER NOT NULL,
    "left"          INTEGER NOT NULL        -- not come to, because the run was stopped
);

CREATE TABLE refusals (             -- footage there is, but nobody can have been seen in
    camera_id       VARCHAR NOT NULL,
    file            VARCHAR NOT NULL,
    started_at      TIMESTAMPTZ NOT NULL,
    reason          VARCHAR NOT NULL,
    refused_at      TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (camera_id, file, started_at)
);
