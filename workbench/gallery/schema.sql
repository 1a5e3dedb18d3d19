-- The tables that SQL shows of a gallery: Gallery.connection(), and the file that people name.
-- They are made of the rows of its parts, and of its manifest (manifest.sql).
-- Times are UTC, boxes are in pixels of the upright frame, coordinates are WGS 84 degrees.

CREATE TABLE cameras (
    camera_id       VARCHAR PRIMARY KEY,
    name            VARCHAR NOT NULL,
    latitude        DOUBLE CHECK (latitude BETWEEN -90 AND 90),     -- null: not known
    longitude       DOUBLE CHECK (longitude BETWEEN -180 AND 180)
);

CREATE TABLE recordings (
    recording_id    VARCHAR PRIMARY KEY,    -- names content, camera and picture stream
    camera_id       VARCHAR NOT NULL,
    file            VARCHAR NOT NULL,       -- as catalogued
    started_at      TIMESTAMPTZ NOT NULL,   -- of all its stretches, the earliest moment
    ended_at        TIMESTAMPTZ NOT NULL CHECK (ended_at >= started_at),    -- and the latest
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
    indexed_at      TIMESTAMPTZ NOT NULL,
    stated_at       TIMESTAMPTZ NOT NULL,   -- when it began, by the camera's clock or the list
    seconds         DOUBLE NOT NULL,        -- up to the end of the last picture
    -- How it was read.
    stream          INTEGER NOT NULL,       -- which picture stream, from 1; 0: not noted
    rotation        INTEGER,                -- degrees clockwise; null: as the file says
    pixel_aspect    VARCHAR,                -- width by height, as 12/11; null: as the file says
    frame_rate      DOUBLE,                 -- pictures taken a second; null: as the file says
    catalogue       VARCHAR NOT NULL        -- folder of the one that listed it; '': not noted
);

CREATE TABLE tracklets (            -- what people read
    recording_id    VARCHAR NOT NULL,
    ordinal         INTEGER NOT NULL,       -- inside its recording, from 0
    camera_id       VARCHAR NOT NULL,
    first_seen      TIMESTAMPTZ NOT NULL,
    last_seen       TIMESTAMPTZ NOT NULL CHECK (last_seen >= first_seen),
    detections      INTEGER NOT NULL,
    searchable      BOOLEAN NOT NULL,       -- false: seen, but no shot good enough
    first_seconds   DOUBLE NOT NULL,        -- of the recording, when it was first seen
    last_seconds    DOUBLE NOT NULL
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
    -- where its picture and template lie, which Gallery.shots() and Gallery.templates() give
    pack            BIGINT NOT NULL,
    "offset"        BIGINT NOT NULL,
    length          BIGINT NOT NULL
);

CREATE TABLE problems (             -- what went wrong in a recording while the rest went on
    recording_id    VARCHAR NOT NULL,
    what            VARCHAR NOT NULL,
    at_seconds      DOUBLE
);

-- A picture at second s of a recording was taken at stated_at + s - offset_seconds of its stretch.
CREATE TABLE stretches (            -- of a recording, at least one, each up to the next
    recording_id    VARCHAR NOT NULL,
    from_seconds    DOUBLE NOT NULL,
    doubt           VARCHAR NOT NULL,       -- why times from here are not certain; '' if they are
    offset_seconds  DOUBLE NOT NULL,        -- by which the clock was ahead of the right time
    uncertainty_seconds DOUBLE,             -- null: not stated
    found_by        VARCHAR NOT NULL,
    how             VARCHAR NOT NULL,
    found_at        TIMESTAMPTZ,            -- null: nobody has confirmed or corrected it
    given_for       VARCHAR NOT NULL,       -- a recording, a folder, a camera; '': nobody gave it
    note            VARCHAR NOT NULL,       -- what else times rest on: rules of an earlier version
    until_seconds   DOUBLE NOT NULL         -- where the next one begins; infinity: none does
);

CREATE TABLE unseen (               -- stretches without a picture: damage, pauses
    recording_id    VARCHAR NOT NULL,
    start_seconds   DOUBLE NOT NULL,
    end_seconds     DOUBLE NOT NULL,
    why             VARCHAR NOT NULL
);

CREATE TABLE legs (                 -- seconds of a moving camera's film that belong to a recording
    recording_id    VARCHAR NOT NULL,       -- one without any is all of its film
    start_seconds   DOUBLE NOT NULL,
    end_seconds     DOUBLE NOT NULL,
    track           VARCHAR NOT NULL        -- a GPX file and its SHA-256, or 'film': its metadata
);

-- Comparisons of certainly different people in a recording, counted by score: of whom, and when, is
-- not kept. A recording that a tracklet was removed from has no such row.
CREATE TABLE different_people (
    recording_id    VARCHAR NOT NULL,       -- with which they go
    scale           VARCHAR NOT NULL,       -- of the scores, by name
    quality         DOUBLE NOT NULL,        -- at which a band of the poorer best shot begins
    score           DOUBLE NOT NULL,        -- at which a step of scores begins
    width           DOUBLE NOT NULL,        -- of the step
    comparisons     INTEGER NOT NULL        -- 0: looked through, and no such pair
);

CREATE TABLE spans (                -- what could be seen, in time; from the tables above
    recording_id    VARCHAR NOT NULL,
    camera_id       VARCHAR NOT NULL,
    started_at      TIMESTAMPTZ NOT NULL,
    ended_at        TIMESTAMPTZ NOT NULL CHECK (ended_at >= started_at)
);

CREATE TABLE clocks (               -- offsets given for a folder or camera, for what comes later
    camera_id       VARCHAR NOT NULL,       -- '': any
    folder          VARCHAR NOT NULL,       -- of the files as catalogued; '': any
    since           TIMESTAMPTZ,            -- for recordings that begin from then, as stated
    until           TIMESTAMPTZ,            -- and before then
    offset_seconds  DOUBLE NOT NULL,
    uncertainty_seconds DOUBLE,
    found_by        VARCHAR NOT NULL,
    how             VARCHAR NOT NULL,
    found_at        TIMESTAMPTZ NOT NULL,
    catalogue       VARCHAR NOT NULL        -- of the folder; '' with folder '.': any
);

CREATE TABLE runs (                 -- of indexing
    run_id          BIGINT PRIMARY KEY,     -- from 1, in the order in which they ended
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
    started_at      TIMESTAMPTZ NOT NULL,   -- by the list, as are the offset and the catalogue
    reason          VARCHAR NOT NULL,
    refused_at      TIMESTAMPTZ NOT NULL,
    offset_seconds  DOUBLE NOT NULL,        -- of the clock, part of it already; 0: not stated
    catalogue       VARCHAR NOT NULL,
    PRIMARY KEY (camera_id, file, started_at)
);
