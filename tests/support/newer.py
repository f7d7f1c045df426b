"""OpenPGP of version 6 (RFC 9580), which gpg 2.2 does not read: made once by Sequoia (pysequoia 0.1.35)."""

from base64 import b64decode, encodebytes

CERTIFICATE = b64decode(
    "xioGawKeRxsAAAAg09W6o0hzYC+gL6lhzUFHQF3L5mCIxp5GxWXK6uzJdb7CpgYfGwoAAAA3BYJrAp5HAwsJBwMVCggCmwECHgki"
    "IQa2rWOKFPdyn4yXJ3xfbszAIhpcp1Q5MNinb/JbU57wUwAAAAAu/SDMotxb59yFULnfk9ypSSsSkKKfxejPArYIr8KK3j4SYRin"
    "LM7UKMvXeDjLGlK/BAFA9QwQrUuGUIu+2bANbeSdBzldWGmA/R6Mhgq8PPMmnxerEagejizhNWle5zuMtQzNFUEgcGFydG5lciBv"
    "ZiB0b21vcnJvd8KpBhMbCgAAADoFgmsCnkcDCwkHAxUKCAKZAQKbAQIeCSIhBratY4oU93KfjJcnfF9uzMAiGlynVDkw2Kdv8ltT"
    "nvBTAAAAABLTIJraM7EZAopoVQKfIwYYB5oyiZzL8FL4gb2IirohdTrRIWIwfQztKP5yTLuynifYwINgq4Cm48lm1Hj1Eh10HTom"
    "jnA+uIoM/TcycMV8J3klrhVmtqPsMhku6zqoOjbiB84qBmsCnkcZAAAAIG85TMlMOCL68AUsJAhPu3qhcWxTd7yvIvCitCrY4lUR"
    "wpsGGBsKAAAALAWCawKeRwKbDCIhBratY4oU93KfjJcnfF9uzMAiGlynVDkw2Kdv8ltTnvBTAAAAAI9MIAThf56TLT04zkYPueyk"
    "BV40tce9xxt7OI3PhQ5AwpkkWas/hONuMmYLEA+bKpB7M/31fqBfjJcM6gpxkA24wzikdBE2Wsk0m87mdXB5nHNFFznqn4XBnv6f"
    "uxEmKseOCs4qBmsCnkcbAAAAINaNJGnUcF9/f9osuVYjm70PJJ5qn5OsHASMrdRbZ2RMwsB1BhgbCgAAAMYFgmsCnkcCmwKZoAYZ"
    "GwoAAAApBYJrAp5HIiEGHTJluOpyobLWbZ14gYUBqtV6WMHlfTY+gG4iY8riV0QAAAAAqyMgJ+b9DKNHmYiNKarR5CR7Lowwfu2f"
    "xEyjYIQNsq5QAQW9huJjEQduYRAsE8eSdZetKnynid3ym/XaMRziSVzHhCfq4C0i0qY1s4JpmNS5hWyqas+eY0gK529TnaWe5rsO"
    "IiEGtq1jihT3cp+Mlyd8X27MwCIaXKdUOTDYp2/yW1Oe8FMAAAAAG98gwQAqQwWVhCoUUNRI6m5a0hQrMuWsrjhXwZ8i2f6F2gxp"
    "kjVFPyAYSryuazUrkph/x4qdwC+XnvCw0ssgNX2O3J5X0GCEjlMERQ5hf+N9jm66CvTzgMNc7Ejb1W18neQK"
)
"""A public key."""
SEALED = b64decode(
    "wW0GIQaN/3SQgDTKPnKWujseR3tkQM8nLBiaczqWKryMmFA5kRn9WKVP0ZLmoNGCfTUTzjqrB97kuU1spCog4OA3qTPUYCiM1jDo"
    "TiZgTa/FhVh8Av6gGMPanU61/pUr61bWKqWPBbF9x1hVC/5L0sCMAgkCBn/zmr8b+BG4ByXCgQxCo/zWMxbYpoAMLM2jGa97gonq"
    "lspup/J5Pnc/qyptOcSAIJF7FTG9b0Dswv/SOcDDh3oG5dFzuGeLyWssHIPuV6VGKiRIZYROoZyLE4O1IVIJyd25A2CcHqjGpHtt"
    "wvW5cFRnoAFvFX034UVpWW6WC8PlHGhE3kY7nw2VWu/Ffpyw2PFIB5SaiH+9q0KpOhVe8776tRKSxfsvymaQJMOwdeHBffd6Lyzz"
    "rhmGPiMroBgRSDqhjIAr88jR18MTaY1rFXE1I86jaUIP0pL6nygPyMRpdr+BXSByS/vo3PlI/P5pFambu6QzdvvVW4dGtCdtZVVK"
    "eT4V5amF5bSNhKTCcIwhTs5etYLTjXouGBzCZkwKGdaRneqqEq6s75kSEjC79wiwvrf+5hZ6QPnk8V5Di1+Qauf1UHWCmak="
)
"""Signed by that key and encrypted to it."""
SIGNED_PACKETS = b64decode(
    "xEYGAAobIKhqhns/R7s6kl9MZDWM4PljJOLUxuBbhX2z/FL3MrjLHTJluOpyobLWbZ14gYUBqtV6WMHlfTY+gG4iY8riV0QByyRi"
    "AAAAAABpbmNpZGVudF9yZWYscGVyc29uX3JlZgpJMSxQMQrCmAYAGwoAAAApBYJrAp6DIiEGHTJluOpyobLWbZ14gYUBqtV6WMHl"
    "fTY+gG4iY8riV0QAAAAA6fYgqGqGez9HuzqSX0xkNYzg+WMk4tTG4FuFfbP8UvcyuMsg8Pl1nXlGyms3/gecMejK80ZmL6PILYZW"
    "VLiJpVnTPRGT1NuA+cFYPi1pAeBTGCvJMc4+rsO0xSJQ4Hn7h2QM"
)
"""Signed by that key, not encrypted."""

SEALED_ARMOURED, SIGNED = (
    b"-----BEGIN PGP MESSAGE-----\n\n" + encodebytes(one) + b"-----END PGP MESSAGE-----\n"
    for one in (SEALED, SIGNED_PACKETS)
)
