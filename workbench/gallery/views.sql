-- What is asked in SQL. Each all_… is a table of schema.sql over all parts of the gallery.

-- Part 1: the tables of the gallery ---------------------------------------------------------------

CREATE OR REPLACE TEMP VIEW recordings AS FROM all_recordings;
CREATE OR REPLACE TEMP VIEW tracklets AS FROM all_tracklets;
CREATE OR REPLACE TEMP VIEW shots AS FROM all_shots;
CREATE OR REPLACE TEMP VIEW problems AS FROM all_problems;

CREATE OR REPLACE TEMP VIEW unseen AS FROM all_unseen;
CREATE OR REPLACE TEMP VIEW legs AS FROM all_legs;
CREATE OR REPLACE TEMP VIEW different_people AS FROM all_different_people;
CREATE OR REPLACE TEMP VIEW spans AS FROM all_spans;
CREATE OR REPLACE TEMP VIEW clocks AS SELECT DISTINCT * FROM all_clocks;

-- Each stretch with the second at which it ends.
CREATE OR REPLACE TEMP VIEW stretches AS
SELECT
    *,
    lead(from_seconds, 1, 'infinity'::DOUBLE) OVER (
        PARTITION BY recording_id ORDER BY from_seconds
    ) AS until_seconds
FROM all_stretches;

-- What could not be seen, with its times.
CREATE OR REPLACE TEMP VIEW unseen_spans AS
SELECT
    u.recording_id, r.camera_id, u.why,
    r.stated_at + to_microseconds(
        round((greatest(start_seconds, from_seconds) - offset_seconds) * 1e6)::BIGINT
    ) AS started_at,
    r.stated_at + to_microseconds(
        round((least(end_seconds, until_seconds, seconds) - offset_seconds) * 1e6)::BIGINT
    ) AS ended_at
FROM all_unseen u
JOIN all_recordings r USING (recording_id)
JOIN (
    SELECT
        recording_id, from_seconds, offset_seconds,
        lead(from_seconds, 1, 'infinity'::DOUBLE) OVER (
            PARTITION BY recording_id ORDER BY from_seconds
        ) AS until_seconds
    FROM all_stretches SEMI JOIN all_unseen USING (recording_id)
) s ON s.recording_id = u.recording_id
    AND start_seconds < until_seconds AND least(end_seconds, seconds) > from_seconds;

CREATE OR REPLACE TEMP VIEW cameras AS
SELECT
    camera_id,
    arg_max(name, noted_at) AS name,
    arg_max(latitude, noted_at) AS latitude,
    arg_max(longitude, noted_at) AS longitude
FROM all_cameras GROUP BY camera_id;

CREATE OR REPLACE TEMP VIEW runs AS
SELECT row_number() OVER (ORDER BY ended_at) AS run_id, * FROM all_runs;

-- What was refused and could be read later is no refusal any more.
CREATE OR REPLACE TEMP VIEW refusals AS
FROM all_refusals f ANTI JOIN all_recordings r
    ON r.file = f.file AND (
        r.camera_id = f.camera_id
        AND (
            r.started_at = f.started_at
            OR r.stated_at = f.started_at + to_microseconds(round(f.offset_seconds * 1e6)::BIGINT)
        )
        -- or it was divided: each place of a moving camera is a camera of its own
        OR starts_with(r.camera_id, f.camera_id || '@')
    )
QUALIFY row_number() OVER (
    PARTITION BY camera_id, file, started_at ORDER BY refused_at DESC
) = 1;

-- Part 2: what Gallery.connection() offers besides. All times are UTC. There is one view more,
-- templates_view: recording_id, ordinal, camera_id, first_seen, last_seen, quality, template; one
-- row a searchable tracklet, read where the templates lie. ---------------------------------------

CREATE TEMP VIEW sightings_view AS      -- one row a tracklet: somebody, somewhere, for a while
SELECT
    t.recording_id || '-' || t.ordinal AS tracklet_id,  -- as candidates have it
    t.recording_id, t.ordinal,
    t.camera_id, c.name AS camera, c.latitude, c.longitude,
    r.file AS recording,
    t.first_seen, t.last_seen,
    t.detections,                       -- pictures in which the face was found
    t.searchable,                       -- false: seen, but no shot good enough
    s.quality AS best_quality,          -- of the best shot, 0 to 1; null if there is none
    s.time AS best_shot_at,
    s.seconds AS best_shot_seconds,     -- in the recording
    -- What the times rest on. As the camera's clock had it; add the correction, and it is first_seen.
    t.first_seen + to_microseconds(round(own.offset_seconds * 1e6)::BIGINT) AS recorded_at,
    0 - own.offset_seconds AS correction_seconds,
    own.uncertainty_seconds,            -- null: not stated
    coalesce(d.doubt, '') AS doubt,     -- why they are not certain; '' if they are
    -- By which rules an earlier version made them; '' if this one did, or they were confirmed.
    CASE WHEN own.found_at IS NULL OR own.given_for <> 'recording' THEN own.note ELSE '' END AS note
FROM tracklets t
JOIN cameras c USING (camera_id)
JOIN recordings r USING (recording_id)
ASOF JOIN stretches own
    ON own.recording_id = t.recording_id AND own.from_seconds <= t.first_seconds
LEFT JOIN (
    SELECT recording_id, ordinal, string_agg(doubt, '; ' ORDER BY from_seconds) AS doubt
    FROM tracklets JOIN stretches USING (recording_id)
    -- Settled by what is given for the recording itself alone.
    WHERE doubt <> '' AND (found_at IS NULL OR given_for <> 'recording')
        AND from_seconds <= last_seconds AND until_seconds > first_seconds
    GROUP BY recording_id, ordinal
) d ON d.recording_id = t.recording_id AND d.ordinal = t.ordinal
LEFT JOIN shots s ON s.recording_id = t.recording_id AND s.ordinal = t.ordinal AND s.rank = 0;

CREATE TEMP VIEW recordings_view AS     -- one row a recording
SELECT
    r.recording_id, r.camera_id, c.name AS camera, r.file, r.started_at, r.ended_at,
    r.seconds,                          -- of the recording, seen or not
    coalesce(v.seconds, 0) AS seen_seconds,
    coalesce(u.seconds, 0) AS unseen_seconds,   -- without a picture: damage, pauses
    r.stated_at,                        -- when it began, by the camera's clock or the list
    k.clock_offset_seconds,             -- by which that clock was ahead, at its beginning
    k.is_certain,                       -- false: some of its times are in doubt
    coalesce(t.tracklets, 0) AS tracklets,
    coalesce(t.searchable, 0) AS searchable,
    r.stopped,                          -- why reading ended
    coalesce(p.problems, 0) AS problems
FROM recordings r
JOIN cameras c USING (camera_id)
LEFT JOIN (
    SELECT recording_id, count(*) AS tracklets, count(*) FILTER (searchable) AS searchable
    FROM tracklets GROUP BY recording_id
) t USING (recording_id)
LEFT JOIN (
    SELECT recording_id, sum(epoch(ended_at - started_at)) AS seconds FROM spans GROUP BY ALL
) v USING (recording_id)
LEFT JOIN (
    SELECT recording_id, sum(epoch(ended_at - started_at)) AS seconds
    FROM unseen_spans GROUP BY ALL
) u USING (recording_id)
LEFT JOIN (
    SELECT
        recording_id,
        arg_min(offset_seconds, from_seconds) AS clock_offset_seconds,
        bool_and(
            doubt = '' OR (found_at IS NOT NULL AND given_for = 'recording')
        ) AS is_certain
    FROM stretches GROUP BY recording_id
) k USING (recording_id)
LEFT JOIN (
    SELECT recording_id, count(*) AS problems FROM problems GROUP BY recording_id
) p USING (recording_id);

CREATE TEMP VIEW coverage_view AS       -- one row a camera and UTC day with footage
SELECT
    camera_id, camera, day,
    count(DISTINCT recording_id) AS recordings,
    -- of the day, that could be seen, added up: recordings of one camera may overlap
    sum(epoch(least(ended_at, day + INTERVAL 1 DAY) - greatest(started_at, day))) AS seconds
FROM (
    SELECT
        s.recording_id, camera_id, c.name AS camera, s.started_at, s.ended_at,
        unnest(generate_series(
            date_trunc('day', s.started_at), s.ended_at, INTERVAL 1 DAY
        )) AS day
    FROM spans s JOIN cameras c USING (camera_id)
)
WHERE ended_at > day
GROUP BY camera_id, camera, day;

CREATE TEMP VIEW cameras_view AS        -- one row a camera, with footage or without
SELECT
    c.camera_id, c.name AS camera, c.latitude, c.longitude,
    coalesce(r.recordings, 0) AS recordings,
    coalesce(r.seconds, 0) AS seconds,  -- of footage that could be seen
    coalesce(r.tracklets, 0) AS tracklets,
    r.first_footage, r.last_footage
FROM cameras c
LEFT JOIN (
    SELECT
        camera_id, count(*) AS recordings, sum(seen_seconds) AS seconds, sum(tracklets) AS tracklets,
        min(started_at) AS first_footage, max(ended_at) AS last_footage
    FROM recordings_view GROUP BY camera_id
) r USING (camera_id);
