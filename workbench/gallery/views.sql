-- What is asked in SQL. Each all_… is a table of schema.sql over all segments of the gallery.

-- Part 1: the tables of the gallery ---------------------------------------------------------------

CREATE OR REPLACE TEMP VIEW recordings AS FROM all_recordings;
CREATE OR REPLACE TEMP VIEW tracklets AS FROM all_tracklets;
CREATE OR REPLACE TEMP VIEW shots AS FROM all_shots;
CREATE OR REPLACE TEMP VIEW problems AS FROM all_problems;

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
FROM all_refusals ANTI JOIN all_recordings USING (camera_id, file, started_at)
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
    s.seconds AS best_shot_seconds      -- in the recording
FROM tracklets t
JOIN cameras c USING (camera_id)
JOIN recordings r USING (recording_id)
LEFT JOIN shots s ON s.recording_id = t.recording_id AND s.ordinal = t.ordinal AND s.rank = 0;

CREATE TEMP VIEW recordings_view AS     -- one row a recording
SELECT
    r.recording_id, r.camera_id, c.name AS camera, r.file, r.started_at, r.ended_at,
    epoch(r.ended_at - r.started_at) AS seconds,
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
    SELECT recording_id, count(*) AS problems FROM problems GROUP BY recording_id
) p USING (recording_id);

CREATE TEMP VIEW coverage_view AS       -- one row a camera and UTC day with footage
SELECT
    camera_id, camera, day,
    count(*) AS recordings,
    -- of the day, added up: recordings of one camera may overlap
    sum(epoch(least(ended_at, day + INTERVAL 1 DAY) - greatest(started_at, day))) AS seconds
FROM (
    SELECT
        camera_id, camera, started_at, ended_at,
        unnest(generate_series(date_trunc('day', started_at), ended_at, INTERVAL 1 DAY)) AS day
    FROM recordings_view
)
WHERE ended_at > day
GROUP BY camera_id, camera, day;

CREATE TEMP VIEW cameras_view AS        -- one row a camera, with footage or without
SELECT
    c.camera_id, c.name AS camera, c.latitude, c.longitude,
    coalesce(r.recordings, 0) AS recordings,
    coalesce(r.seconds, 0) AS seconds,  -- of footage
    coalesce(r.tracklets, 0) AS tracklets,
    r.first_footage, r.last_footage
FROM cameras c
LEFT JOIN (
    SELECT
        camera_id, count(*) AS recordings, sum(seconds) AS seconds, sum(tracklets) AS tracklets,
        min(started_at) AS first_footage, max(ended_at) AS last_footage
    FROM recordings_view GROUP BY camera_id
) r USING (camera_id);
