"""QR codes on the picture: what they say is evidence like any other text, and is never opened or fetched."""

from __future__ import annotations

from livesteward.agents.perception.extras import installed_version
from livesteward.agents.perception.pictures import Pixels

MAX_CODES = 16


def qr_version() -> str:
    """Return what reads QR codes, with its version.

    Raises:
        AbsentError: If it is not installed.
    """
    # OpenCV comes under several distribution names; the OCR library is the one that brings it here.
    installed_version("rapidocr-onnxruntime", "cv2")
    import cv2

    return f"opencv {cv2.__version__}"


def read_codes(pixels: Pixels) -> tuple[str, ...]:
    """Return what the QR codes of a picture say, at most :data:`MAX_CODES`; damaged or unreadable codes are left out."""
    import cv2

    # A detector is cheap to make and keeps no state between pictures; one for each call is safe in threads.
    detector = cv2.QRCodeDetector()
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    found: dict[str, None] = {}
    for scale in (1.0, 2.0):
        # Small codes in a compressed picture are often read only when enlarged.
        if scale != 1.0 and max(grey.shape) > 1_000:
            break
        seen = grey if scale == 1.0 else cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        try:
            texts = detector.detectAndDecodeMulti(seen)[1]
        except (cv2.error, UnicodeDecodeError):
            continue
        for text in texts or ():
            if text.strip():
                found.setdefault(text, None)
        if found:
            break
    return tuple(found)[:MAX_CODES]
