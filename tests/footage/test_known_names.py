"""Names of known products: real ones where they were seen in public, and the table about them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from workbench.footage.names import KNOWN, NamedRecording, Pattern, read_name
from workbench.footage.names.dates import IN_FOLDERS, ISO

DOCUMENT = Path(__file__).parents[2] / "docs/footage.md"
BY_NAME = {pattern.name: pattern for pattern in (*KNOWN, ISO, IN_FOLDERS)}

# At least three names a pattern, with the start that each states.
NAMES = {
    "Dahua card or FTP": {
        "mnt/sd/2018-05-19/001/dav/10/10.36.45-10.45.00[R][0@0][0].dav": "2018-05-19 10:36:45",
        "mnt/dvr/2026-05-22/1/dav/01/0/3/142833/01.00.00-02.00.00[R][0@0][0].dav":
            "2026-05-22 01:00:00",
        "AMC0200KBE29V0X8B2/2017-10-16/001/dav/21/21.06.24-21.06.47[M][0@0][0].mp4":
            "2017-10-16 21:06:24",
        "Snapshot/2019-06-12_001_12.59.55-12.59.55[R][0@0][0].jpg": "2019-06-12 12:59:55",
        "cam1/6M07E3EPAGC7C0F/2021-05-28/001/jpg/09/30.20[R][0@0][0].jpg": "2021-05-28 09:30:20",
        "mnt/sd/2020-10-11/001/jpg/21/09/14[M][0@0][0].jpg": "2020-10-11 21:09:14",
    },
    "Dahua recorder export": {
        "NVR_ch1_main_20160429104800_20160429105800.mp4": "2016-04-29 10:48:00",
        "XVR_ch1_main_20230201160000_20230201170000(1).mp4": "2023-02-01 16:00:00",
        "NVR_ch1_main_20230131000000_20230131010000.dav": "2023-01-31 00:00:00",
        "Anyang2_SKV1_ch1_20220121090906.mp4": "2022-01-21 09:09:06",
        "whyalla_unloading_ch1_20220901160649_20220901161030_73.mp4": "2022-09-01 16:06:49",
    },
    "Hikvision recorder export": {
        "ch01_20190306074318.mp4": "2019-03-06 07:43:18",
        "ch01_20191121000002_20191121015621_0.mp4": "2019-11-21 00:00:02",
        "CH01_20230831162648_163118.mp4": "2023-08-31 16:26:48",
        "ch01_20210331085158.mp4": "2021-03-31 08:51:58",
    },
    "Hikvision client export": {
        "HRL -80m_Camera 01_20240325162243_20240325162801.mp4": "2024-03-25 16:22:43",
        "Steadfast_Camera 01_20251212171535_20251212171625.mp4": "2025-12-12 17:15:35",
        "_Camera 01_20260611132433_59073164.mp4": "2026-06-11 13:24:33",
    },
    "Hikvision FTP": {
        "192.168.1.64_01_20190827095800502_MOTION_DETECTION.jpg": "2019-08-27 09:58:00.502000",
        "10.11.37.189_01_20150917094425492_FACE_DETECTION.jpg": "2015-09-17 09:44:25.492000",
        "192.168.88.67_01_20150619045313183_TIMING.jpg": "2015-06-19 04:53:13.183000",
    },
    "Recorder export with S and E": {
        "NVR-CH01_S20210607-094253_E20210607-094856.mp4": "2021-06-07 09:42:53",
        "NVR-CH07_S20210609-084936_E20210609-085153.mp4": "2021-06-09 08:49:36",
        "NVR-CH01_S20210817-000000_E20210817-001334.mp4": "2021-08-17 00:00:00",
    },
    "Uniview client recording": {
        "2019-04-02/192.168.1.13_1_S08-30-00E09-00-00.mp4": "2019-04-02 08:30:00",
        "2019-04-02/192.168.1.13_2_S23-50-00_E00-10-00.mp4": "2019-04-02 23:50:00",
        "2019-04-02/192.168.1.13_11_S08-30-05 E09-00-00.ts": "2019-04-02 08:30:05",
    },
    "Axis edge recording": {
        "20240621_151725_95E7_B8A44F9D7D55": "2024-06-21 15:17:25",
        "20110812_081211_016F_00408C1834FD/0.mkv": "2011-08-12 08:12:11",
        "axis-ACCC8EE207AE/20211020/14/20211020_143325_B4F5_ACCC8EE207AE/20211020_14/"
        "20211020_145333_CB36.mkv": "2021-10-20 14:53:33",
    },
    "Axis recording export": {
        "20141211_0911531234_20141211_1234565678.mkv": "2014-12-11 09:11:53.123400",
        "20141211_0945091234_20141211_1010565678.mkv": "2014-12-11 09:45:09.123400",
        "20141211_1211531234_20141212_1415435678.mkv": "2014-12-11 12:11:53.123400",
    },
    "Reolink card": {
        "Mp4Record_2023-05-15_RecM02_20230515_071811_071835_6D28900_13CE8C7.mp4":
            "2023-05-15 07:18:11",
        "Mp4Record/2023-04-26/RecS02_DST20230426_145918_150032_2B14808_32F1DF.mp4":
            "2023-04-26 14:59:18",
        "RecS07_20250219_111146_111238_0_A714C0A000_21E67C.mp4": "2025-02-19 11:11:46",
        "RecM01_20201221_121551_121553.mp4": "2020-12-21 12:15:51",
    },
    "Reolink battery camera": {
        "Rec_20230517_043229_541_M.mp4": "2023-05-17 04:32:29+00:00",
        "Rec_20231224_235959_001_M.mp4": "2023-12-24 23:59:59+00:00",
        "2023-05-17/Rec_20230517_000001_12_M.mp4": "2023-05-17 00:00:01+00:00",
    },
    "Reolink FTP": {
        "K3TA_00_20220307125142.mp4": "2022-03-07 12:51:42",
        "K3TA_00_20220307125217.jpg": "2022-03-07 12:52:17",
        "2022/03/07/Front door_01_20220307235959.mp4": "2022-03-07 23:59:59",
    },
    "Foscam": {
        "FI9805E_C4D65535806E/record/alarm_20151018_093118.mkv": "2015-10-18 09:31:18",
        "FoscamCamera_00626EFE8B21/snap/MDAlarm_20260925-021400.jpg": "2026-09-25 02:14:00",
        "FI9800P_00123E45E060/snap/MDAlarm_20180914-111429.jpg": "2018-09-14 11:14:29",
    },
    "Brickcom": {
        "20140509-000500-001000_192.168.1.11-CH2.avi": "2014-05-09 00:05:00",
        "20140509-235500-000000_192.168.1.11-CH2.avi": "2014-05-09 23:55:00",
        "20140510-120000-120500_192.168.1.12-CH14.avi": "2014-05-10 12:00:00",
    },
    "Canon VB recorder": {
        "NVR_MEDIA_0000851234560001_20080314_083000_20080314_090000.avi":
            "2008-03-14 08:30:00+00:00",
        "NVR_MPEG4_0000851234560001_20080314_235000_20080315_001000.mov":
            "2008-03-14 23:50:00+00:00",
        "NVR_STANDBY_MEDIA_0000851234560001_20080314_090000.avi": "2008-03-14 09:00:00+00:00",
    },
    "Canon VB card": {
        "20150910070618-070619-M00_507.mov": "2015-09-10 07:06:18+00:00",
        "20150910070623-070619-M00_508.mov": "2015-09-10 07:06:23+00:00",
        "20160101120000-120001-E01_001.mov": "2016-01-01 12:00:00+00:00",
    },
    "exacqVision": {
        "2018/01/30/23/2040-00160380.ps": "2018-01-30 23:20:40",
        "drive/2018/01/30/11/0500-00180180.ps": "2018-01-30 11:05:00",
        "2018/02/01/00/0000-70180a03.ps": "2018-02-01 00:00:00",
    },
    "UniFi Protect": {
        "Front Door - 2-29-2020, 11.21.12pm.mp4": "2020-02-29 23:21:12",
        "Front Door - 12-25-2020, 12.00.01am.mp4": "2020-12-25 00:00:01",
        "Yard - 10-31-2021, 1.05.09pm.mp4": "2021-10-31 13:05:09",
    },
    "UniFi Protect downloader": {
        "2020/06/04/Camera Name/Camera Name - 2020-06-04 - 01:04:05.mp4": "2020-06-04 01:04:05",
        "Camera Name - 2020-03-15 - 23.21.12.mp4": "2020-03-15 23:21:12",
        "Gate 1a2b - 2021-01-02 - 03.04.05.mp4": "2021-01-02 03:04:05",
    },
    "Frigate recording": {
        "2023-04-26/17/front_door/06.56.mp4": "2023-04-26 17:06:56+00:00",
        "media/frigate/recordings/2023-08-09/17/Parkplatz/00.04.mp4": "2023-08-09 17:00:04+00:00",
        "recordings/2024-12-31/23/gate/59.50.mp4": "2024-12-31 23:59:50+00:00",
    },
    "Frigate recording before 0.12": {
        "2022-02/04/00/front_door/38.34.mp4": "2022-02-04 00:38:34",
        "recordings/2021-11/21/08/camera_parking/00.02.mp4": "2021-11-21 08:00:02",
        "2022-12/31/23/gate/59.59.mp4": "2022-12-31 23:59:59",
    },
    "Frigate clip": {
        "front-1606742747.272411-0lbwng.mp4": "2020-11-30 13:25:47.272411+00:00",
        "frigate-outside-1633375514.533032-g86p4l.mp4": "2021-10-04 19:25:14.533032+00:00",
        "frigate-outside-1633308134.16962-8a3kk2.mp4": "2021-10-04 00:42:14.169620+00:00",
    },
    "Frigate export": {
        "front_door_20250210_093000-20250210_101500_a1b2c3.mp4": "2025-02-10 09:30:00",
        "gate_20250616_235000-20250617_001000_x9y8z7.mp4": "2025-06-16 23:50:00",
        "exports/yard_20260101_000000-20260101_010000_abcdef.mp4": "2026-01-01 00:00:00",
    },
    "Blue Iris": {
        "Driveway.20230501_120000.mp4": "2023-05-01 12:00:00",
        "New/Cam1.20211130_235959.bvr": "2021-11-30 23:59:59",
        "202305/Gate.20230502_000001.mp4": "2023-05-02 00:00:01",
    },
    "Motion": {
        "20220923_153925-01.mkv": "2022-09-23 15:39:25",
        "20220923_153927-01.jpg": "2022-09-23 15:39:27",
        "01-20220923153925.avi": "2022-09-23 15:39:25",
    },
    "simple-nvr": {
        "test/2022/06/06/2022-06-06T05 22 15.mkv": "2022-06-06 05:22:15+00:00",
        "test/2022/06/06/2022-06-06T05 27 14.mkv": "2022-06-06 05:27:14+00:00",
        "2022-12-31T23 59 59.mkv": "2022-12-31 23:59:59+00:00",
    },
    "Tapo card by Home Assistant": {
        "1706108297-1706108310.mp4": "2024-01-24 14:58:17+00:00",
        "tapo_control/cam/1700000000-1700000060.mp4": "2023-11-14 22:13:20+00:00",
        "1741651200-1741651230.mp4": "2025-03-11 00:00:00+00:00",
    },
    "Xiaomi": {
        "2025060107/46M14S_1748735174.mp4": "2025-05-31 23:46:14+00:00",
        "2025082311/09M14S_1755936554.mp4": "2025-08-23 08:09:14+00:00",
        "xiaomi_camera_videos/607ea4123be4/2025072209/00M58S_1753178458.mp4":
            "2025-07-22 10:00:58+00:00",
    },
    "Yi": {
        "tmp/sd/record/2022Y08M18D15H/01M00S60.mp4": "2022-08-18 15:01:00",
        "record/2022Y04M12D18H/09M00S60.mp4": "2022-04-12 18:09:00",
        "2024Y02M22D14H/E123M45S67.mp4": "2024-02-22 14:23:45",
    },
    "icarvisions recorder": {
        "H20190808-095851P1N2P0.avi": "2019-08-08 09:58:51",
        "H20160502-000000P1N2P0.avi": "2016-05-02 00:00:00",
        "H20190808-235959N3A4P0.avi": "2019-08-08 23:59:59",
    },
    "Tesla": {
        "TeslaCam/2019-07-22_17-12-36-front.mp4": "2019-07-22 17:12:36",
        "2019-07-22_17-12-front.mp4": "2019-07-22 17:12:00",
        "SavedClips/2023-05-01_12-10-00/2023-05-01_12-00-58-left_repeater.mp4":
            "2023-05-01 12:00:58",
    },
    "BlackVue": {
        "Record/20260519_120000_NF.mp4": "2026-05-19 12:00:00",
        "20260718_070333_NR.mp4": "2026-07-18 07:03:33",
        "20230101_120000_E.mp4": "2023-01-01 12:00:00",
    },
    "Viofo": {
        "2026_0820_045542_F.MP4": "2026-08-20 04:55:42",
        "Locked/2023/11/2023_1108_081636_F.MP4": "2023-11-08 08:16:36",
        "2022_1108_081636_0012R.MP4": "2022-11-08 08:16:36",
        "20260625081636_000012.MP4": "2026-06-25 08:16:36",
    },
    "Nextbase": {
        "240915_143027_001_FH.MP4": "2024-09-15 14:30:27",
        "240915_143027_001_RL.MP4": "2024-09-15 14:30:27",
        "251231_235959_120_FH.MP4": "2025-12-31 23:59:59",
    },
    "Cowon": {
        "Normal/20130501-121010_NOR_D1.avi": "2013-05-01 12:10:10",
        "Event/20130501-121010_EVT_D1.avi": "2013-05-01 12:10:10",
        "Normal/20130502-000001_MOT_P1.avi": "2013-05-02 00:00:01",
    },
    "Google Pixel": {
        "PXL_20220831_003137144.mp4": "2022-08-31 00:31:37.144000+00:00",
        "PXL_20230110_133736033.mp4": "2023-01-10 13:37:36.033000+00:00",
        "PXL_20211218_230339406.TS.mp4": "2021-12-18 23:03:39.406000+00:00",
    },
    "Google Pixel, edited": {
        "PXL_20220831_003137144~2.mp4": "2022-08-31 00:31:37.144000+00:00",
        "PXL_20230110_133736033-trimmed.mp4": "2023-01-10 13:37:36.033000+00:00",
        "PXL_20230110_133736.mp4": "2023-01-10 13:37:36+00:00",
    },
    "Android phone": {
        "VID_20220810_152944.mp4": "2022-08-10 15:29:44",
        "MVIMG_20190417_120221.MP4": "2019-04-17 12:02:21",
        "DCIM/VID20230501120000.mp4": "2023-05-01 12:00:00",
    },
    "WhatsApp": {
        "WhatsApp Video 2026-08-31 at 15.41.14.mp4": "2026-08-31 15:41:14",
        "WhatsApp Image 2026-08-31 at 15.41.14 (1).jpeg": "2026-08-31 15:41:14",
        "WhatsApp Video 2021-01-05 at 3.59.39 PM.mp4": "2021-01-05 15:59:39",
    },
    "Telegram": {
        "video_2016-02-09_12-16-46.mp4": "2016-02-09 12:16:46",
        "photo_2016-02-09_12-16-46.jpg": "2016-02-09 12:16:46",
        "video_2021-04-24_00-00-01 (2).mp4": "2021-04-24 00:00:01",
    },
    "Signal": {
        "signal-2018-08-21-100217.jpg": "2018-08-21 10:02:17",
        "signal-2020-05-07-222654.mp4": "2020-05-07 22:26:54",
        "signal-2026-05-23-16-41-08-903.jpg": "2026-05-23 16:41:08",
    },
    "MEVA": {
        "2018-03-05.10-04-27.10-05-01.bus.G331.mkv": "2018-03-05 10:04:27",
        "2018-03-07.16-50-00.16-55-00.school.G419.mkv": "2018-03-07 16:50:00",
        "2018-03-05.10-27-03.10-30-01.admin.G329.mkv": "2018-03-05 10:27:03",
    },
    ISO.name: {
        "2020-11-26T02_06_04+00_00.mp4": "2020-11-26 02:06:04+00:00",
        "Roof_Rear_Corner_2020-11-09T10_30_54-0800.mp4": "2020-11-09 10:30:54-08:00",
        "ContaCam/CyberTrack H3/2023/05/11/rec_2023_05_11_09_23_01.mp4": "2023-05-11 09:23:01",
        "Entrance-2009-06-05@225030.avi": "2009-06-05 22:50:30",
        "video@20030102_030405.avi": "2003-01-02 03:04:05",
        "20210404_003320.mp4": "2021-04-04 00:33:20",
        "thingino/2024-11-03/2024-11-03T12-00-05.mp4": "2024-11-03 12:00:05",
        "DJI_20230927151107_0409_D.MP4": "2023-09-27 15:11:07",
    },
    IN_FOLDERS.name: {
        "live/gate/2021-01-07/01-41-28.mp4": "2021-01-07 01:41:28",
        "motioneye/2020/03/12/Corridor1_01-36-01.mp4": "2020-03-12 01:36:01",
        "processed/2015-10-18/front-door/09-31-18.mp4": "2015-10-18 09:31:18",
    },
}  # fmt: skip

# Names of products that state no start.
NO_START = (
    "VID-20171218-WA0028.mp4",
    "IMG-20190330-WA0002(1).jpg",
    "IMG_6886.MOV",
    "GX010042.MP4",
    "GOPR0042.MP4",
    "DSCF0001.AVI",
    "hiv00010.mp4",
    "ch0001_00000000487000000.mp4",
    "948987989.mp4",
    "20110812_081211_016F_00408C1834FD/1.mkv",  # a later part: the folder states the first's start
    "09.00.00-09.05.00[M][0@0][0].mp4",
    "38.34.mp4",
    "Clip 000 364 459.mp4",
)


def read(path: str) -> NamedRecording | None:
    return read_name(PurePosixPath(path))


@pytest.mark.parametrize("name", BY_NAME)
def test_names_of_a_product_are_read(name: str) -> None:
    assert len(NAMES[name]) >= 3
    for path, started_at in {BY_NAME[name].example: None, **NAMES[name]}.items():
        reading = read(path)
        assert reading is not None, path
        assert reading.pattern == name, path
        assert started_at in (None, str(reading.started_at)), path


def test_only_the_doubts_of_a_product_are_told() -> None:
    for name, paths in NAMES.items():
        for path in paths:
            reading = read(path)
            assert reading is not None
            minute = path == "2019-07-22_17-12-front.mp4"
            doubt = "the name states the minute, not the second" if minute else BY_NAME[name].doubt
            assert reading.ambiguous == doubt, path


@pytest.mark.parametrize("path", NO_START)
def test_names_that_state_no_start_are_not_read(path: str) -> None:
    assert read(path) is None


@pytest.mark.parametrize(
    ("path", "camera", "channel", "ended_at"),
    [
        ("2018-05-19/001/dav/10/10.36.45-10.45.00[R][0@0][0].dav", None, "001", "10:45:00"),
        ("Shop_ch4_main_20230131230000_20230201000500.dav", "Shop", "4", "00:05:00"),
        ("HRL -80m_Camera 01_20240325162243_20240325162801.mp4", "HRL -80m_Camera 01", None,
         "16:28:01"),
        ("20140509-235500-000000_192.168.1.11-CH2.avi", "192.168.1.11", "2", "00:00:00"),
        ("2023-04-26/17/front_door/06.56.mp4", "front_door", None, None),
        ("20211020_143325_B4F5_ACCC8EE207AE/0.mkv", "ACCC8EE207AE", None, None),
        ("H20190808-095851P1N2P0.avi", None, "2", None),
        ("20260718_070333_NR.mp4", None, "R", None),
        ("2022_1108_081636_0012PF.MP4", None, "F", None),
        ("240915_143027_001_RL.MP4", None, "R", None),
        ("2018-03-05.10-04-27.10-05-01.bus.G331.mkv", "bus.G331", None, "10:05:01"),
    ],
)  # fmt: skip
def test_camera_channel_and_end_are_read(
    path: str, camera: str | None, channel: str | None, ended_at: str | None
) -> None:
    reading = read(path)
    assert reading is not None
    assert (reading.camera, reading.channel) == (camera, channel)
    assert (reading.ended_at and f"{reading.ended_at:%H:%M:%S}") == ended_at


def test_a_month_that_may_be_the_day_is_left_in_doubt() -> None:
    reading = read("Front Door - 2-9-2020, 11.21.12pm.mp4")
    assert reading is not None
    assert reading.pattern == "UniFi Protect"
    assert "2020-09-02 23:21:12" in reading.ambiguous


def time_of(pattern: Pattern) -> str:
    """What the table says about the times of a pattern."""
    if pattern is ISO:
        return "local, or with the offset that the name states"
    absolute = pattern.utc or "{epoch}" in "".join(pattern.forms)
    told = "UTC" if absolute else "local"
    return f"not certain: {pattern.doubt}" if pattern.doubt else told


def row(pattern: Pattern) -> str:
    source = f"[source]({pattern.source})"
    return f"| {pattern.name} | `{pattern.example}` | {time_of(pattern)} | {source} |"


def test_the_table_of_names_is_what_is_read() -> None:
    section = DOCUMENT.read_text("utf-8").split("## Names that are understood\n")[1]
    table = [line for line in section.split("\n## ")[0].splitlines() if line.startswith("| ")]
    assert table[2:] == [row(pattern) for pattern in BY_NAME.values()]
