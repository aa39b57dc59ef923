"""Secrets as the scanner gets them: each in every spelling that memory may hold.

Eight bytes of a secret in a row are a find, whatever the spelling: sixteen
characters of hexadecimal text, eleven of base64.
"""

import base64

LEAST_BYTES = 8
LEAST_HEX = 2 * LEAST_BYTES
LEAST_BASE64 = 11
# The PIN is text of 4 random bits a character: 12 of them are not met by chance.
LEAST_PIN = 12


def base64_spellings(value):
    """Base64 of `value` inside of other bytes: three alignments, two alphabets. What
    depends on the neighbours is cut off."""
    for skip in range(3):
        text = base64.b64encode(bytes(skip) + value)
        # The first character(s) hold bits of the bytes before, the last of those behind.
        begin = (0, 2, 3)[skip]
        end = (skip + len(value)) * 8 // 6
        yield f"b64+{skip}", text[begin:end]
        urlsafe = text.translate(bytes.maketrans(b"+/", b"-_"))
        if urlsafe != text:
            yield f"b64url+{skip}", urlsafe[begin:end]


def spellings(secret, texts=True):
    """(name, least bytes, bytes) of each spelling of a secret."""
    value = secret.value
    least = LEAST_PIN if secret.what == "pin" else LEAST_BYTES
    yield "be", least, value
    yield "le", least, value[::-1]
    if not texts:
        return
    yield "hex", LEAST_HEX, value.hex().encode()
    yield "HEX", LEAST_HEX, value.hex().upper().encode()
    yield "hex-le", LEAST_HEX, value[::-1].hex().encode()
    for name, text in base64_spellings(value):
        yield name, LEAST_BASE64, text


def write(path, secrets, nonces=()):
    """The pattern file of the scanner. Nonces live shortly and are searched as bytes;
    nobody spells them. Returns what each id stands for."""
    known = {}
    with open(path, "w", encoding="ascii") as file:
        for texts, group in ((True, secrets), (False, nonces)):
            for secret in group:
                for name, least, value in spellings(secret, texts):
                    identity = f"{secret.name}/{name}"
                    known[identity] = secret
                    file.write(f"{identity} {least} {value.hex()}\n")
    return known
