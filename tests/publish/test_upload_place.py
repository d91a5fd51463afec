"""Whatever a registry says about where an upload goes, it goes to that registry or nowhere."""

from hypothesis import example, given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from webhook.publish.transport import Write
from webhook.publish.writer import _upload_url
from webhook.stores.registry.transport.failure import RegistryError
from webhook.stores.registry.transport.messages import Answer

OWN = URL("https://registry.example.com:5000/v2/shop/cart/blobs/uploads/")
DIGEST = "sha256:" + "ab" * 32
PARTS = st.sampled_from(
    [
        "https:",
        "http:",
        "//",
        "/",
        "@",
        ":",
        "?",
        "#",
        "..",
        "%2F",
        "registry.example.com",
        "evil.test",
        "5000",
        "a=b",
    ]
)


@given(st.text(max_size=60) | st.lists(PARTS, max_size=9).map("".join))
@example("https://registry.example.com@evil.test/x")
@example("https://evil.test\\@registry.example.com/x")
@example("//registry.example.com.evil.test/x")
@example("https://registry.example.com:443/x?y=1#z")
@example("../../other?_state=%2F%3D")
@example("/x?digest=sha256:00")
def test_it_goes_to_the_same_origin_and_names_the_digest_last(location: str) -> None:
    headers = CIMultiDictProxy(CIMultiDict({"Location": location}))
    answer = Answer(202, headers, b"", Write("registry.example.com:5000", "blob", OWN, 100))
    try:
        url = _upload_url(OWN, answer, DIGEST)
    except RegistryError:
        return
    assert url.origin() == OWN.origin()
    assert (url.user, url.password) == (None, None)
    assert url.raw_query_string.endswith(f"digest={DIGEST}")
    assert url.path.startswith("/")


def test_what_the_registry_has_encoded_stays_so() -> None:
    headers = CIMultiDictProxy(CIMultiDict({"Location": "/v2/x%2Fy?_state=a%2Bb%3D&c=d+e"}))
    answer = Answer(202, headers, b"", Write("registry.example.com:5000", "blob", OWN, 100))
    shown = f"https://registry.example.com:5000/v2/x%2Fy?_state=a%2Bb%3D&c=d+e&digest={DIGEST}"
    assert str(_upload_url(OWN, answer, DIGEST)) == shown
