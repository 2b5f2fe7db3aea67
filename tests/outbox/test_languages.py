"""All mails to invitees in all languages: complete, unmixed, the same in text and HTML, fit for the wire."""

from __future__ import annotations

import base64
import quopri
import re
import unicodedata
from dataclasses import replace
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from functools import cache

import html5lib
import pytest

from rsvp_mailer.domain import Answer, Attendance, MailboxIdentity, RawMail, Tag, Tie
from rsvp_mailer.message.parse import parse_message
from rsvp_mailer.outbox import rendering
from rsvp_mailer.outbox.confirmation import KINDS, Composer
from rsvp_mailer.outbox.preview import Sample, all_samples
from rsvp_mailer.outbox.rendering import Templates

LANGUAGES = ("de", "en", "fr", "ar", "fa", "prs", "kmr", "ckb")
FROM_RIGHT = ("ar", "fa", "prs", "ckb")
YES, NO, MAYBE = Attendance.YES, Attendance.NO, Attendance.MAYBE
ISOLATES = re.compile("[\u2066-\u2069]")


def samples(code):
    """Every kind of mail, and beside them what is rare: one, two, eleven, a hundred persons, no number, all wishes."""
    full = Answer(YES, 2, code, arrival="17:45", departure="19:30", interpreter=("ar", "ku", "fr"))
    full = replace(full, tags=(Tag.QUESTION, Tag.DIET))
    yield from all_samples([code])
    yield Sample("confirmation", full)
    yield Sample("confirmation", replace(full, attendance=MAYBE, party_size=None))
    yield Sample("confirmation", Answer(NO, 0, code, tags=full.tags))
    yield from (Sample("confirmation", Answer(YES, number, code)) for number in (1, 11, 100, None))
    yield Sample("confirmation", Answer(MAYBE, 1, code), Answer(YES, 11, code))
    yield Sample("confirmation", Answer(YES, 1, code), Answer(NO, 0, code))
    yield Sample("confirmation", Answer(NO, 0, code), Answer(MAYBE, None, code))


ALL = [
    pytest.param(sample, id=f"{sample.name}-{number}") for c in LANGUAGES for number, sample in enumerate(samples(c))
]


@pytest.fixture(scope="module")
def written(composer, now, parsed):
    """The parsed mail of a sample; each is written once."""
    made = {}

    def written(sample):
        if sample not in made:
            made[sample] = parsed(sample.compose(composer, now))
        return made[sample]

    return written


def plain(message):
    return message.get_body(("plain",)).get_content().replace("\r\n", "\n")


def page(message):
    return message.get_body(("html",)).get_content()


def words_by_language(node, language="", name=False, found=None):
    """The visible words of a page: (language, whether a name or number set apart, words)."""
    found = [] if found is None else found
    if not isinstance(node.tag, str) or node.tag in ("head", "style"):
        return found
    language, name = node.get("lang", language), name or node.tag == "bdi"
    found.append((language, name, node.text or ""))
    for child in node:
        words_by_language(child, language, name, found)
        found.append((language, name, child.tail or ""))
    return found


@cache
def html_tree(html):
    return html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False).parse(html)


# --- the same in both parts, complete, and in one language -----------------------------------------------------------


@pytest.mark.parametrize("sample", ALL)
def test_text_and_html_say_the_same(written, sample):
    message = written(sample)
    text = re.sub(r"https://\S+|=+", " ", ISOLATES.sub("", plain(message)))
    html = re.sub(r"=+", " ", "".join(
        f" {words} " if not name else words for _, name, words in words_by_language(html_tree(page(message)))
    ))  # fmt: skip

    def bare(words):
        return sorted(re.findall(r"[^\W_]+", words))

    assert bare(text) == bare(html)


def letters(words):
    """The scripts that words are written in: "LATIN", "ARABIC"."""
    return {unicodedata.name(letter, "").split()[0] for letter in words if letter.isalpha()}


GERMAN = {"und", "sie", "ihre", "ihr", "nicht", "das", "haben", "wenn", "können", "ist", "bitte", "oder", "uhr", "ort"}
FOREIGN = {
    "en": {"the", "you", "your", "and", "is", "are", "please", "we"},
    "fr": {"vous", "votre", "nous", "est", "les", "une", "pour"},
    "ku": {"we", "hûn", "me", "ji", "bi", "ku", "û"},
}


@pytest.mark.parametrize("sample", ALL)
def test_each_part_of_a_mail_is_of_one_language(written, sample):
    spoken = words_by_language(html_tree(page(written(sample))))
    code = {"prs": "fa-AF", "kmr": "ku"}.get(sample.answer.language, sample.answer.language)
    assert {language for language, _, words in spoken if words.strip()} == {code, "de"}
    for language, name, words in spoken:
        used = set(re.findall(r"[^\W\d_]+", words.lower()))
        if name or not used:
            continue
        if language in ("ar", "fa", "fa-AF", "ckb"):
            assert letters(words) == {"ARABIC"}, words
        elif language == "de":
            assert letters(words) == {"LATIN"}, words
            assert not any(used & others for others in FOREIGN.values()), words
        else:
            assert letters(words) == {"LATIN"}, words
            assert not used & GERMAN, words


@pytest.mark.parametrize("code", LANGUAGES)
def test_what_is_german_in_another_language_is_marked_as_german(written, code):
    if code == "de":
        return
    tree = html_tree(page(written(next(all_samples([code])))))
    first = next(cell for cell in tree.iter("td") if cell.get("class") == "section")
    marked = {"".join(span.itertext()) for span in first.iter("span") if span.get("lang") == "de"}
    assert marked >= {
        "1. Integrationskonferenz im Stadtbezirk I",
        "Kirche St. Gertrud, Gertrudissaal",
        "Rottstraße 36, 45127 Essen",
        "Halil Yaman, Telefon 0201 88-0",
        "Jugendamt der Stadt Essen",
        "Art. 6 Abs. 1 lit. e DSGVO",
        "Steckbrief",
    }
    if code in FROM_RIGHT:
        assert all(span.get("dir") == "ltr" for span in first.iter("span"))


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_languages_share_a_headline(written, kind):
    number = [sample.name.split("-")[1] for sample in all_samples(["de"])].index(kind)
    headlines = {plain(written(list(all_samples([code]))[number])).split("\n")[0] for code in LANGUAGES}
    # Farsi and Dari ask for the number in the same words.
    assert len(headlines) == len(LANGUAGES) - (kind == "question") - (kind == "maybe")


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_mail_says_the_facts(written, code):
    for sample in all_samples([code]):
        text = ISOLATES.sub("", " ".join(plain(written(sample)).split("===")[0].split()))
        for fact in (
            "1. Integrationskonferenz im Stadtbezirk I",
            "Kirche St. Gertrud, Gertrudissaal",
            "Rottstraße 36, 45127 Essen",
            "https://www.openstreetmap.org/",
            "Halil Yaman, Telefon 0201 88-0",
            "Jugendamt der Stadt Essen",
            "Art. 6 Abs. 1 lit. e DSGVO",
        ):
            assert fact in text, (sample.name, fact)
        digits = text.translate({zero + n: str(n) for zero in (0x660, 0x6F0) for n in range(10)})
        for fact in ("17:00", "20:00", "2017", "14", "90"):
            assert fact in digits, (sample.name, fact)


WISHES = {
    "arrival": {"arrival": "17:45"},
    "departure": {"departure": "19:30"},
    "interpreter": {"interpreter": ("ar",)},
    "question": {"tags": (Tag.QUESTION,)},
    "note": {"tags": (Tag.DIET,)},
}


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("wish", WISHES)
def test_what_was_asked_for_is_said_once_in_each_language_and_only_then(written, code, wish):
    bare = Answer(YES, 2, code)
    without, with_it = (
        plain(written(Sample("confirmation", answer))) for answer in (bare, replace(bare, **WISHES[wish]))
    )
    added = set(with_it.splitlines()) - set(without.splitlines())
    assert len(added) == (1 if code == "de" else 2)
    assert not set(without.splitlines()) - set(with_it.splitlines())


def test_an_invitee_reads_the_number_in_the_form_that_the_language_has_for_it(written):
    forms = {1: "شخص واحد", 2: "شخصان", 3: "٣ أشخاص", 11: "١١ شخصاً", 100: "١٠٠ شخص"}
    for number, form in forms.items():
        first = plain(written(Sample("confirmation", Answer(YES, number, "ar")))).split("\n")[0]
        assert ISOLATES.sub("", first) == f"تم تسجيلكم: {form}"


@pytest.mark.parametrize(
    ("code", "hour", "day"),
    [
        ("ar", "١٧:٤٥", "الثلاثاء، ١٤ تشرين الثاني (نوفمبر) ٢٠١٧"),
        ("fa", "۱۷:۴۵", "سه‌شنبه ۱۴ نوامبر ۲۰۱۷"),
        ("prs", "۱۷:۴۵", "سه‌شنبه ۱۴ نومبر ۲۰۱۷"),
        ("ckb", "١٧:٤٥", "سێشەممە، ١٤ی تشرینی دووەمی ٢٠١٧"),
        ("kmr", "17:45", "sêşem, 14ê mijdara 2017an"),
        ("fr", "17:45", "mardi 14 novembre 2017"),
    ],
)
def test_days_and_times_are_written_as_people_write_them(written, code, hour, day):
    text = ISOLATES.sub("", plain(written(Sample("confirmation", Answer(YES, 1, code, arrival="17:45")))))
    assert hour in text
    assert day in text


# --- from right to left ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", FROM_RIGHT)
def test_a_mail_from_the_right_runs_from_the_right(written, code):
    for sample in samples(code):
        html = page(written(sample))
        assert re.search(r'<html[^>]* dir="rtl"', html)
        sections = re.findall(r'<td class="section[^"]*" dir="(\w+)" lang="([\w-]+)"', html)
        assert [direction for direction, _ in sections] == ["rtl", "ltr"]
        assert re.findall(r'<table class="facts" dir="(\w+)"', html)[0] == "rtl"


@pytest.mark.parametrize("code", FROM_RIGHT)
def test_nothing_foreign_stands_loose_in_a_line_from_the_right(written, code):
    """Latin words and digits are isolated, and every isolate ends in its line; subjects too."""
    for sample in samples(code):
        message = written(sample)
        lines = [str(message["Subject"]), *plain(message).split("===")[0].splitlines()]
        for line in lines:
            depth = 0
            for letter in line:
                depth += (letter in "\u2066\u2067\u2068") - (letter == "\u2069")
                assert depth >= 0, line
                assert depth or not ("a" <= letter.lower() <= "z"), line
            assert depth == 0, line


def test_an_isolated_link_stays_a_link(written):
    text = plain(written(next(all_samples(["ar"]))))
    (link,) = set(re.findall(r"https://\S+", text.split("===")[0]))
    assert link == "https://www.openstreetmap.org/search?query=Rottstra%C3%9Fe+36%2C+45127+Essen"


def test_a_name_from_the_right_does_not_turn_a_german_line(composer, invitee, now, parsed):
    to = replace(invitee, address=replace(invitee.address, name="ليلى حداد"))
    mail = parsed(composer.confirmation(Answer(YES, 1), None, to, token="a" * 32, now=now, sequence=0, first=False))
    assert "Guten Tag \u2068ليلى حداد\u2069,\n" in plain(mail)
    assert "Guten Tag <bdi>ليلى حداد</bdi>," in page(mail)


# --- form ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", [pytest.param(s, id=s.name) for s in all_samples(LANGUAGES)])
def test_the_page_is_valid_and_needs_nothing_from_elsewhere(composer, now, parsed, monkeypatch, sample):
    """Parsed strictly as the templates wrote it, before the library that inlines styles has mended anything."""

    class Untouched:
        inline = staticmethod(str)

    fresh = Composer.__new__(Composer)
    fresh.__dict__ |= composer.__dict__ | {"_worded": composer._word}
    monkeypatch.setattr(rendering, "_INLINER", Untouched)
    html = page(parsed(sample.compose(fresh, now)))
    html5lib.HTMLParser(strict=True).parse(html)
    assert not re.search(r"<(?:img|script|link|iframe|form)\b|src=|url\(|@import", html)


def test_styles_are_in_the_elements_and_only_dark_mode_in_the_head(written):
    html = page(written(next(all_samples(["ar"]))))
    head, _, body = html.partition("</head>")
    assert head.count("<style") == 1
    assert "prefers-color-scheme: dark" in head
    assert '<meta name="color-scheme" content="light dark">' in head
    assert re.search(r'<h1 class="yes" style="[^"]*border-right: 4px', body)
    assert body.count("<!--[if mso]>") == body.count("<![endif]-->") == 2  # Outlook knows no max-width
    assert not re.search(r"flex|grid|position:|float:|inline-start|text-align: start", body)


@pytest.mark.parametrize("sample", ALL)
def test_the_octets_survive_any_server(composer, now, sample):
    octets = sample.compose(composer, now).octets
    assert octets.isascii()
    assert octets.count(b"\r\n") == octets.count(b"\n") == octets.count(b"\r")
    assert b"\x00" not in octets
    assert max(map(len, octets.split(b"\r\n"))) <= 100  # a long media type cannot be folded
    head = octets.partition(b"\r\n\r\n")[0].decode()
    assert max(map(len, head.split("\r\n"))) <= 78
    assert all(len(word) <= 75 for word in re.findall(r"=\?\S+?\?=", head))
    for part in message_from_bytes(octets).walk():
        if not part.is_multipart():
            # Decoded without the parser's help: each encoding stands for itself.
            raw = part.get_payload().encode()
            decode = base64.b64decode if part["Content-Transfer-Encoding"] == "base64" else quopri.decodestring
            assert decode(raw) == part.get_payload(decode=True)


def test_a_long_title_in_a_long_subject_keeps_the_limits(event, office, now, parsed):
    title = "Überörtliche Gesprächsrunde für ältere Mitbürgerinnen " * 5
    composer = Composer(replace(event, title=title.strip()), replace(office, name="Ämter für Öffentlichkeit " * 6))
    for code in LANGUAGES:
        mail = next(all_samples([code])).compose(composer, now)
        head = mail.octets.partition(b"\r\n\r\n")[0]
        assert max(map(len, head.split(b"\r\n"))) <= 78
        assert all(len(word) <= 75 for word in re.findall(rb"=\?\S+?\?=", head))
        subject = str(make_header(decode_header(message_from_bytes(mail.octets)["Subject"])))
        assert subject == parsed(mail)["Subject"] == mail.subject


def test_every_language_knows_all_plural_forms_and_languages():
    for code, language in Templates().languages.items():
        assert set(language.names) == {"ar", "ku", "prs", "fa", "fr", "en"}, code
        assert language.name


# --- and back --------------------------------------------------------------------------------------------------------

REPLIES = {
    "de": "Wir sind zu dritt.",
    "en": "Three of us.",
    "fr": "Nous serons trois.",
    "ar": "نحن ثلاثة أشخاص",
    "fa": "سه نفر هستیم",
    "prs": "ما سه نفر هستیم",
    "kmr": "Em sê kes in.",
    "ckb": "سێ کەسین",
}

QUOTES = {
    "marked": (["Am 06.11.2017 um 08:00 schrieb Jugendamt Essen:", ""], "> "),
    "headed": (
        [
            "Von: Jugendamt Essen <halil.yaman@jugendamt.essen.example>",
            "Gesendet: Montag, 6. November 2017 08:00",
            "An: Mara Velic <mara.velic@example.org>",
            "Betreff: Ihre Antwort",
            "",
        ],
        "",
    ),
}


@pytest.mark.parametrize("code", LANGUAGES)
@pytest.mark.parametrize("what", ["question", "confirmation"])
@pytest.mark.parametrize("quoted", ["marked", "headed"])
def test_a_reply_to_our_mail_keeps_the_words_of_the_invitee_alone(composer, event, now, parsed, code, what, quoted):
    """Our own words come back below the answer, marked by the invitee's program or not."""
    ours = parsed(Sample(what, Answer(YES, 5 if what == "confirmation" else None, code)).compose(composer, now))
    below = plain(ours).splitlines()
    intro, mark = QUOTES[quoted]
    reply = EmailMessage(policy=policy.SMTP)
    reply["From"], reply["To"] = "Mara Velic <mara.velic@example.org>", "halil.yaman@jugendamt.essen.example"
    reply["Subject"], reply["Message-ID"] = f"Re: {ours['Subject']}", "<antwort@example.org>"
    reply["In-Reply-To"] = ours["Message-ID"]
    reply.set_content("\n".join([REPLIES[code], "", *intro, *(mark + line for line in below)]) + "\n")
    known = replace(event, own_texts=composer.own_texts())
    identity = MailboxIdentity(
        frozenset({"halil.yaman@jugendamt.essen.example"}), message_id_domain="jugendamt.essen.example"
    )
    message = parse_message(RawMail(reply.as_bytes()), known, identity)
    assert message.own_words.text == REPLIES[code]
    assert message.tie is Tie.THREAD
    assert message.tokens == ("0" * 32,)
