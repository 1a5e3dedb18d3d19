"""Patterns of known products, each with the public source that its forms were learned from.

A product that nobody described in public, such as an export that carries a name of the operator's
choice, is not guessed: what its names state is read as any date and time, or with a pattern of
one's own. Where patterns fit the same name, the one that says more comes first.
"""

from __future__ import annotations

from workbench.footage.names.pattern import Pattern

# Dates and times, close together, with hyphens, with points; and those of the end.
_D, _T = "{year}{month}{day}", "{hour}{minute}{second}"
_ED, _ET = "{end_year}{end_month}{end_day}", "{end_hour}{end_minute}{end_second}"
_DATE = "{year}-{month}-{day}"
_HYPHENS, _END_HYPHENS = "{hour}-{minute}-{second}", "{end_hour}-{end_minute}-{end_second}"
_POINTS, _END_POINTS = "{hour}.{minute}.{second}", "{end_hour}.{end_minute}.{end_second}"
_MESSAGE = "a messenger names a file by the time at which it was sent or saved"

KNOWN: tuple[Pattern, ...] = (
    # --- Recorders and their clients ------------------------------------------------------------
    Pattern(
        "Dahua card or FTP",
        (
            f"{_DATE}/{{channel}}/**/{_POINTS}-{_END_POINTS}[*]*",
            f"{_DATE}/**/{_POINTS}-{_END_POINTS}[*]*",
            f"{_DATE}_{{channel}}_{_POINTS}-{_END_POINTS}[*]*",
            f"{_DATE}/{{channel}}/jpg/{{hour}}/{{minute}}.{{second}}[*]*",
            f"{_DATE}/{{channel}}/jpg/{{hour}}/{{minute}}/{{second}}[*]*",
        ),
        source="https://github.com/nayrnet/node-dahua-api",
        example="2018-05-07/001/dav/12/12.23.16-12.23.33[M][0@0][0].dav",
    ),
    Pattern(
        "Dahua recorder export",
        (
            f"{{camera}}_ch{{channel}}_{{stream}}_{_D}{_T}_{_ED}{_ET}",
            f"{{camera}}_ch{{channel}}_{_D}{_T}_{_ED}{_ET}",
            f"{{camera}}_ch{{channel}}_{_D}{_T}_{_ED}{_ET}_{{number}}",
            f"{{camera}}_ch{{channel}}_{_D}{_T}",
        ),
        source="https://github.com/search?type=code&q=NVR_ch1_main_20230131000000_20230131010000",
        example="NVR_ch1_main_20230131000000_20230131010000.dav",
    ),
    Pattern(
        "Hikvision recorder export",
        (
            f"ch{{channel}}_{_D}{_T}",
            f"ch{{channel}}_{_D}{_T}_{_ET}",
            f"ch{{channel}}_{_D}{_T}_{_ED}{_ET}",
            f"ch{{channel}}_{_D}{_T}_{_ED}{_ET}_{{number}}",
        ),
        source="https://github.com/search?type=code&q=ch01_20190330132014.mp4",
        example="ch01_20190330132014.mp4",
    ),
    Pattern(
        "Hikvision client export",
        (f"{{camera}}_{_D}{_T}_{_ED}{_ET}", f"{{camera}}_{_D}{_T}_{{number}}"),
        source="https://github.com/search?type=code&q=%22Camera+01_20240325162243_20240325162801%22",
        example="HRL -80m_Camera 01_20240325162243_20240325162801.mp4",
    ),
    Pattern(
        "Hikvision FTP",
        (f"{{camera}}_{{channel}}_{_D}{_T}{{fraction}}_{{event}}",),
        source="https://github.com/evilboss/suiteview",
        example="10.4.100.111_01_20150619045051383_TIMING.jpg",
    ),
    Pattern(
        "Recorder export with S and E",
        (f"{{camera}}-CH{{channel}}_S{_D}-{_T}_E{_ED}-{_ET}",),
        source="https://github.com/HaiNguyen2903/YoloV5_Deepsort_pytorch_clone",
        example="NVR-CH01_S20210607-113251_E20210607-120452.mp4",
    ),
    Pattern(
        "Uniview client recording",
        (
            f"{_DATE}/{{camera}}_{{channel}}_S{_HYPHENS}E{_END_HYPHENS}",
            f"{_DATE}/{{camera}}_{{channel}}_S{_HYPHENS}_E{_END_HYPHENS}",
            f"{_DATE}/{{camera}}_{{channel}}_S{_HYPHENS} E{_END_HYPHENS}",
        ),
        source="http://38.142.81.21:8001/manual/uniview/nvr302-16e2-p16/user-manual-english/page-98.html",
        example="2024-05-01/192.168.1.30_2_S08-30-00_E09-00-00.mp4",
    ),
    Pattern(
        # Recordings that its interface lists with both times have the local one in their names.
        "Axis edge recording",
        (
            f"{_D}_{_T}_{{hex}}_{{serial}}",
            f"{_D}_{_T}_{{hex}}_{{serial}}/0",
            f"{{number}}_{{number}}_{{hex}}_{{serial}}/{{number}}_{{number}}/{_D}_{_T}_{{word}}",
        ),
        source="https://developer.axis.com/vapix/network-video/edge-storage-api",
        example="20240621_151725_95E7_B8A44F9D7D55/0.mkv",
    ),
    Pattern(
        "Axis recording export",
        (f"{_D}_{_T}{{fraction}}_{_ED}_{_ET}{{end_fraction}}",),
        source="https://developer.axis.com/vapix/network-video/edge-storage-api",
        example="20141211_0911531234_20141211_1234565678.mkv",
        doubt="it is not documented whether the camera names exports in local time or in UTC",
    ),
    Pattern(
        "Reolink card",
        (
            f"*Rec{{letter}}{{number}}_{_D}_{_T}_000000_*",
            f"*Rec{{letter}}{{number}}_DST{_D}_{_T}_000000_*",
            f"*Rec{{letter}}{{number}}_{_D}_{_T}_{_ET}*",
            f"*Rec{{letter}}{{number}}_DST{_D}_{_T}_{_ET}*",
        ),
        source="https://github.com/sven337/ReolinkLinux/wiki/Figuring-out-the-file-names",
        example="Mp4Record/2020-12-22/RecM01_20201222_075939_080140_6D28808_1A468F9.mp4",
    ),
    Pattern(
        "Reolink battery camera",
        (f"*Rec_{_D}_{_T}_{{number}}_M",),
        utc=True,
        source="https://github.com/starkillerOG/reolink_aio/blob/main/reolink_aio/typings.py",
        example="Rec_20230517_043229_541_M.mp4",
    ),
    Pattern(
        "Reolink FTP",
        (f"{{camera}}_{{channel}}_{_D}{_T}",),
        source="https://github.com/GsDublin/camerawatch",
        example="K3TA_00_20220307125142.mp4",
    ),
    Pattern(
        "Foscam",
        (
            f"{{camera}}/record/alarm_{_D}_{_T}",
            f"{{camera}}/record/MDalarm_{_D}_{_T}",
            f"{{camera}}/snap/MDAlarm_{_D}-{_T}",
        ),
        source="https://github.com/chadly/cams",
        example="FI9805E_C4D65535806E/record/alarm_20151018_093118.mkv",
    ),
    Pattern(
        "Brickcom",
        (f"{_D}-{_T}-{_ET}_{{camera}}-CH{{channel}}",),
        source="https://www.brickcom.com/support/faq_contents.php?id=106",
        example="20140509-000500-001000_192.168.1.11-CH2.avi",
    ),
    Pattern(
        "Canon VB recorder",
        (
            f"NVR_MEDIA_{{camera}}_{_D}_{_T}_{_ED}_{_ET}",
            f"NVR_MPEG4_{{camera}}_{_D}_{_T}_{_ED}_{_ET}",
            f"NVR_STANDBY_{{word}}_{{camera}}_{_D}_{_T}",
        ),
        utc=True,
        source="https://www.manualsdir.com/manuals/379796/canon-vb-c60.html?page=225",
        example="NVR_MPEG4_0000851234560001_20080314_083000_20080314_090000.mov",
    ),
    Pattern(
        "Canon VB card",
        (f"{_D}{_T}-{{number}}-{{letter}}{{number}}_{{number}}",),
        utc=True,
        source="https://www.manualshelf.com/manual/canon/vb-s30d/operation-manual-english/page-151.html",
        example="20150910070618-070619-M00_507.mov",
        doubt="the first time is when the file was created, a little before its first picture",
    ),
    Pattern(
        "exacqVision",
        ("{year}/{month}/{day}/{hour}/{minute}{second}-{hex}",),
        source="https://exacq-cms.johnsoncontrols.com/tag/exacqvision-video",
        example="2018/01/30/23/2040-00160380.ps",
        doubt="it is not documented whether the folders are in local time or in UTC",
    ),
    Pattern(
        "UniFi Protect",
        (
            "{camera} - {month}-{day}-{year}, {hour}.{minute}.{second}{ampm}",
            "{camera} - {day}-{month}-{year}, {hour}.{minute}.{second}{ampm}",
        ),
        source="https://github.com/danielfernau/unifi-protect-video-downloader/issues/14",
        example="Front Door - 2-29-2020, 11.21.12pm.mp4",
        unpadded=True,
    ),
    Pattern(
        "UniFi Protect downloader",
        (
            f"{{camera}} - {_DATE} - {{hour}}:{{minute}}:{{second}}",
            f"{{camera}} - {_DATE} - {_POINTS}",
        ),
        source="https://github.com/danielfernau/unifi-protect-video-downloader/pull/130",
        example="Front Door - 2020-06-04 - 01.04.05.mp4",
        doubt="depending on version and options the time is local or in UTC",
    ),
    Pattern(
        "Frigate recording",
        (f"{_DATE}/{{hour}}/{{camera}}/{{minute}}.{{second}}",),
        utc=True,
        source="https://github.com/blakeblackshear/frigate/pull/9248",
        example="2023-04-26/17/front_door/06.56.mp4",
    ),
    Pattern(
        "Frigate recording before 0.12",
        ("{year}-{month}/{day}/{hour}/{camera}/{minute}.{second}",),
        source="https://github.com/blakeblackshear/frigate/pull/2219",
        example="2022-02/04/00/front_door/38.34.mp4",
        doubt="the time is that of the server, which may run in UTC",
    ),
    Pattern(
        "Frigate clip",
        ("{camera}-{epoch}.{fraction}-{word}",),
        source="https://github.com/blakeblackshear/frigate/issues/323",
        example="front-1606742747.272411-0lbwng.mp4",
        doubt="the time is that of the event, and the clip begins some seconds before it",
    ),
    Pattern(
        "Frigate export",
        (f"{{camera}}_{_D}_{_T}-{_ED}_{_ET}_{{word}}",),
        source="https://github.com/blakeblackshear/frigate/pull/16446",
        example="front_door_20250210_093000-20250210_101500_a1b2c3.mp4",
        doubt="the time is that of the server, which may run in UTC",
    ),
    Pattern(
        "Blue Iris",
        (f"{{camera}}.{_D}_{_T}",),
        source="https://camlocus.com/docs/recording-and-clips/",
        example="Driveway.20230501_120000.mp4",
    ),
    Pattern(
        "Motion",
        (f"{_D}_{_T}-{{number}}", f"{{number}}-{_D}{_T}"),
        source="https://github.com/Motion-Project/motion/issues/1585",
        example="20220923_153925-01.mkv",
    ),
    Pattern(
        "simple-nvr",
        (f"{_DATE}T{{hour}} {{minute}} {{second}}",),
        utc=True,
        source="https://github.com/TomHumphries/simple-nvr/issues/2",
        example="2022/06/06/2022-06-06T05 22 15.mkv",
    ),
    # --- Cameras with an application --------------------------------------------------------------
    Pattern(
        "Tapo card by Home Assistant",
        ("{epoch}-{end_epoch}",),
        source="https://github.com/JurajNyiri/HomeAssistant-Tapo-Control/issues/509",
        example="1706108297-1706108310.mp4",
    ),
    Pattern(
        "Xiaomi",
        ("{number}/{word}M{word}S_{epoch}",),
        source="https://github.com/search?type=code&q=46M14S_1748735174",
        example="2025060107/46M14S_1748735174.mp4",
    ),
    Pattern(
        "Yi",
        (
            "{year}Y{month}M{day}D{hour}H/{minute}M{second}S{number}",
            "{year}Y{month}M{day}D{hour}H/E{digit}{minute}M{second}S{number}",
        ),
        source="https://github.com/roleoroleo/yi-hack-Allwinner-v2/issues/924",
        example="2022Y08M18D15H/01M00S60.mp4",
        doubt="depending on the firmware the folder is in local time or in UTC",
    ),
    # --- Vehicles ---------------------------------------------------------------------------------
    Pattern(
        "icarvisions recorder",
        (f"{{letter}}{_D}-{_T}{{letter}}{{digit}}{{letter}}{{channel}}{{letter}}{{digit}}",),
        source="https://www.icarvisions.com/faq/mdvr-record-files-name-rules-285.html",
        example="H20190808-095851P1N2P0.avi",
    ),
    Pattern(
        "Tesla",
        (f"{_DATE}_{_HYPHENS}-{{side}}", f"{_DATE}_{{hour}}-{{minute}}-{{side}}"),
        source="https://github.com/mattw01/TeslaCamViewer/pull/11",
        example="2019-07-22_17-12-36-front.mp4",
    ),
    Pattern(
        "BlackVue",
        (f"{_D}_{_T}_{{letter}}{{lens}}", f"{_D}_{_T}_{{letter}}"),
        source="https://github.com/acolomba/blackvuesync",
        example="20260715_140212_NF.mp4",
    ),
    Pattern(
        "Viofo",
        (
            f"{{year}}_{{month}}{{day}}_{_T}_{{number}}{{lens}}",
            f"{{year}}_{{month}}{{day}}_{_T}_{{lens}}",
            f"{{year}}_{{month}}{{day}}_{_T}_{{number}}P{{lens}}",
            f"{_D}_{_T}_{{number}}{{lens}}",
            f"{_D}_{_T}_{{number}}P{{lens}}",
            f"{_D}{_T}_{{number}}{{lens}}",
            f"{_D}{_T}_{{number}}P{{lens}}",
            f"{_D}{_T}_{{number}}",
        ),
        source="https://github.com/RobXYZ/viofosync/issues/34",
        example="2026_0820_045542_F.MP4",
    ),
    Pattern(
        "Nextbase",
        (f"{{yy}}{{month}}{{day}}_{_T}_{{number}}_{{lens}}{{letter}}",),
        source="https://support.nextbase.com/hc/en-nz/articles/21362518328349-File-Names",
        example="240915_143027_001_FH.MP4",
    ),
    Pattern(
        "Cowon",
        (f"{_D}-{_T}_NOR_{{word}}", f"{_D}-{_T}_EVT_{{word}}", f"{_D}-{_T}_MOT_{{word}}"),
        source="https://www.manualshelf.com/manual/cowon/ae1/operation-manual-english/page-31.html",
        example="20130501-121010_NOR_D1.avi",
    ),
    # --- Phones and messengers --------------------------------------------------------------------
    Pattern(
        "Google Pixel",
        (f"PXL_{_D}_{_T}{{fraction}}",),
        utc=True,
        source="https://github.com/photostructure/exiftool-vendored.js/issues/113",
        example="PXL_20220831_003137144.mp4",
    ),
    Pattern(
        "Google Pixel, edited",
        (f"PXL_{_D}_{_T}{{fraction}}*", f"PXL_{_D}_{_T}*"),
        utc=True,
        source="https://github.com/photostructure/exiftool-vendored.js/issues/113",
        example="PXL_20220831_003137144~2.mp4",
        doubt="an edited film may begin later than the time in its name",
    ),
    Pattern(
        "Android phone",
        (f"VID_{_D}_{_T}", f"VID{_D}{_T}", f"MVIMG_{_D}_{_T}"),
        source="https://github.com/SimpleMobileTools/Simple-Gallery/issues/2592",
        example="VID_20220810_152944.mp4",
    ),
    Pattern(
        "WhatsApp",
        (
            f"WhatsApp Video {_DATE} at {_POINTS}",
            f"WhatsApp Video {_DATE} at {_POINTS} {{ampm}}",
            f"WhatsApp Image {_DATE} at {_POINTS}",
            f"WhatsApp Image {_DATE} at {_POINTS} {{ampm}}",
        ),
        source="https://github.com/icecore2/whatsapp-media-date-to-exif/issues/7",
        example="WhatsApp Video 2026-08-31 at 15.41.14.mp4",
        doubt=_MESSAGE,
        unpadded=True,
    ),
    Pattern(
        "Telegram",
        (f"video_{_DATE}_{_HYPHENS}", f"photo_{_DATE}_{_HYPHENS}", f"doc_{_DATE}_{_HYPHENS}"),
        source="https://github.com/telegramdesktop/tdesktop/issues/7963",
        example="video_2020-05-29_18-30-05.mp4",
        doubt=_MESSAGE,
    ),
    Pattern(
        "Signal",
        (f"signal-{_DATE}-{_T}*", f"signal-{_DATE}-{_HYPHENS}*"),
        source="https://github.com/signalapp/Signal-Desktop/issues/7900",
        example="signal-2020-05-07-222654.mp4",
        doubt=_MESSAGE,
    ),
    # --- Collections ------------------------------------------------------------------------------
    Pattern(
        "MEVA",
        (f"{_DATE}.{_HYPHENS}.{_END_HYPHENS}.{{camera}}",),
        source="https://github.com/Azure-Samples/azure-intelligent-edge-patterns",
        example="2018-03-05.10-04-27.10-05-01.bus.G331.mkv",
    ),
)
