"""Made-up trees in the exact layouts of AMI and VoxConverse, with annotations written by hand."""

from collections.abc import Callable, Mapping
from pathlib import Path

from mimidiar.tests.corpora.trees import write_audio

ROOT = '<nite:root nite:id="{id}" xmlns:nite="http://nite.sourceforge.net/">\n{body}</nite:root>\n'
HEADER = '<?xml version="1.0" encoding="ISO-8859-1" standalone="yes"?>\n'

MEETINGS = """\
   <meeting nite:id="am_1" observation="ES2004a" type="scenario" duration="1186">
      <speaker nite:id="am_s1" channel="1" nxt_agent="B" global_name="FEE013" role="PM"/>
      <speaker nite:id="am_s2" channel="0" nxt_agent="A" global_name="MEO015" role="UI"/>
      <speaker nite:id="am_s3" channel="2" nxt_agent="C" global_name="MEE014" role="ID"/>
   </meeting>
   <meeting nite:id="am_2" observation="TS3003b" type="scenario" duration="2210">
      <speaker nite:id="am_s4" channel="0" nxt_agent="A" global_name="MTD009PM" role="PM"/>
   </meeting>
   <meeting nite:id="am_3" observation="TS3007c" type="scenario" duration="2420">
      <speaker nite:id="am_s5" channel="0" nxt_agent="A" global_name="MTD026UID" role="UI"/>
   </meeting>
"""
# What comes out of each run of words is worked out in test_ami.py.
WORDS = {
    "ES2004a.A": """\
   <w nite:id="ES2004a.A.words0" starttime="0.37" endtime="0.95">Hmm</w>
   <w nite:id="ES2004a.A.words1" starttime="0.95" endtime="1.53">caf\xe9</w>
   <w nite:id="ES2004a.A.words2" starttime="1.53" endtime="1.53" punc="true">.</w>
   <vocalsound nite:id="ES2004a.A.words3" starttime="1.53" endtime="2.0" type="laugh"/>
   <w nite:id="ES2004a.A.words4" starttime="2.0" endtime="2.4">Yes</w>
   <disfmarker nite:id="ES2004a.A.words5" starttime="2.4" endtime="2.4"/>
   <w nite:id="ES2004a.A.words6" starttime="2.41" endtime="2.9" trunc="true">so</w>
   <w nite:id="ES2004a.A.words7">untimed</w>
   <w nite:id="ES2004a.A.words8" starttime="4" endtime="4" punc="true">?</w>
   <gap nite:id="ES2004a.A.words9" starttime="5.0" endtime="5.5"/>
   <w nite:id="ES2004a.A.words10" starttime="5.5" endtime="6.0">I&#39;m</w>
   <w nite:id="ES2004a.A.words11" starttime="5.9" endtime="6.3">David</w>
""",
    "ES2004a.B": '   <w nite:id="ES2004a.B.words0" starttime="2.2" endtime="3.205">Well</w>\n',
    "ES2004a.C": '   <vocalsound nite:id="ES2004a.C.words0" starttime="1.0" endtime="7.0" type="other"/>\n',
    "TS3003b.A": '   <w nite:id="TS3003b.A.words0" starttime="1.0" endtime="4.0">Okay</w>\n',
    "TS3007c.A": """\
   <w nite:id="TS3007c.A.words0" starttime="1.0" endtime="2.0">Right</w>
   <w nite:id="TS3007c.A.words1" starttime="7.5" endtime="8.5">bye</w>
   <w nite:id="TS3007c.A.words2" starttime="9.0" endtime="9.5">bye</w>
""",
}
SEGMENT = """\
   <segment nite:id="{id}" channel="0" transcriber_start="{start}" transcriber_end="{end}">
      <nite:child href="words.xml#id(words0)..id(words1)"/>
   </segment>
"""
SEGMENTS = {
    "ES2004a.A": [(0.3, 2.95), (5.4, 6.4), (7.0, 6.9)],
    "ES2004a.B": [(2.1, 3.3), (3.2, 3.6), (3.6, 3.9)],
    "TS3003b.A": [(0.9, 4.1)],
}
AMI_SEC = 8.0  # of every recording


def write_ami(
    root: Path, meetings: tuple[str, ...] = ("ES2004a", "TS3003b"), suffix: str = "Mix-Headset", audio: str = "wav_db"
) -> Path:
    """AMI as downloaded and unpacked: `audio`/<meeting>/audio/<meeting>.<suffix>.wav and ami_public_manual_1.6.2/."""
    for meeting in meetings:
        write_audio(root / audio / meeting / "audio" / f"{meeting}.{suffix}.wav", AMI_SEC)
    write_nxt(root / "ami_public_manual_1.6.2", meetings)
    return root


def write_nxt(folder: Path, meetings: tuple[str, ...] = ("ES2004a", "TS3003b", "TS3007c")) -> Path:
    """The annotations of `meetings` alone; meetings.xml names all."""
    write_xml(folder / "corpusResources" / "meetings.xml", "meetings", MEETINGS)
    for name, body in WORDS.items():
        if name.split(".")[0] in meetings:
            write_xml(folder / "words" / f"{name}.words.xml", f"{name}.words", body)
    for name, spans in SEGMENTS.items():
        if name.split(".")[0] in meetings:
            ids = (f"{name}.sync.{k}" for k in range(len(spans)))
            body = "".join(SEGMENT.format(id=i, start=s, end=e) for i, (s, e) in zip(ids, spans, strict=True))
            write_xml(folder / "segments" / f"{name}.segments.xml", f"{name}.segs", body)
    (folder / "00README_MANUAL.txt").write_text("AMI manual annotations\nRelease 1.7 of the words, after release 1.6\n")
    return folder


def write_xml(path: Path, name: str, body: str) -> None:
    """One file of NXT, in the encoding of the corpus."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((HEADER + ROOT.format(id=name, body=body)).encode("latin-1"))


VOX_RTTM = {
    "dev/abjxc": "SPEAKER abjxc 1 0.400000 1.640000 <NA> <NA> spk00 <NA> <NA>\n",
    "test/aepyx": "SPEAKER aepyx 1 0.000000 1.500000 <NA> <NA> spk00 <NA> <NA>\n"
    "SPEAKER aepyx 1 1.250000 1.750000 <NA> <NA> spk01 <NA> <NA>\n",
    "test/aggyz": "SPEAKER aggyz 1 0.250000 2.000000 <NA> <NA> spk00 <NA> <NA>\n",
}
VOX_SEC = 3.0
VOX_ANNOTATIONS = "voxconverse-24bf60be297701cd7e4ef18550c6d390c1b87365"  # as the zip of that commit unpacks


def write_voxconverse(
    root: Path,
    rttm: Mapping[str, str] = VOX_RTTM,
    sound: Callable[[Path], object] = lambda path: write_audio(path, VOX_SEC),
) -> Path:
    """VoxConverse as its zips unpack: dev/audio, test/voxconverse_test_wav and the repository with the RTTM.

    `rttm`: set/recording -> text of its file. `sound` writes the audio of a recording.
    """
    inner = {"dev": "audio", "test": "voxconverse_test_wav"}
    for name, text in rttm.items():
        split, recording = name.split("/")
        sound(root / split / inner[split] / f"{recording}.wav")
        path = root / VOX_ANNOTATIONS / f"{name}.rttm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root
