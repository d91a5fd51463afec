"""Where evidence lies beside an image: the layouts of cosign and oras, without their programs' start-up times."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from tests.harness.evidence import Signer, statement
from tests.harness.oci import CONFIG, EMPTY, INDEX, MANIFEST, Pusher
from tests.harness.oras import ENVELOPE

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"


@dataclass(frozen=True)
class Layout:
    """Where evidence lies, in the form that a tool gives it.

    Attributes:
        name: For people.
        referrers: Whether the registry has the referrers API.
        tag: Whether it lies under the tag `.att`; else it is attached with a subject.
        media_type: Of the layer.
    """

    name: str
    referrers: bool
    tag: bool
    media_type: str

    def attach(self, pusher: Pusher, digest: str, signer: Signer) -> None:
        """Attaches evidence as cosign and oras do.

        Args:
            pusher: Pushes to the image's repository.
            digest: The image's.
            signer: Who signs.
        """
        envelope = signer.sign(statement(digest))
        layer = pusher.blob((_bundle(envelope) if self.media_type == BUNDLE else envelope).encode(), self.media_type)
        manifest: dict[str, Any] = {"schemaVersion": 2, "mediaType": MANIFEST}
        if self.tag:
            config = pusher.blob(b'{"os":"","architecture":""}', CONFIG)
            tag = digest.replace(":", "-") + ".att"
            pusher.manifest(manifest | {"config": config, "layers": [layer]}, MANIFEST, tag)
            return
        manifest |= {
            "artifactType": self.media_type,
            "config": pusher.blob(b"{}", EMPTY),
            "layers": [layer],
            "subject": {"mediaType": MANIFEST, "digest": digest, "size": 1},
        }
        attached = pusher.manifest(manifest, MANIFEST)
        if not self.referrers:
            entry = {"mediaType": MANIFEST, "digest": attached, "size": len(json.dumps(manifest))}
            index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}
            pusher.manifest(index, INDEX, digest.replace(":", "-"))


LAYOUTS = (
    Layout("cosign 3 bundle, referrers API", referrers=True, tag=False, media_type=BUNDLE),
    Layout("oras envelope, referrers API", referrers=True, tag=False, media_type=ENVELOPE),
    Layout("cosign tag `.att`, referrers API", referrers=True, tag=True, media_type=ENVELOPE),
    Layout("cosign 3 bundle, fallback tag", referrers=False, tag=False, media_type=BUNDLE),
    Layout("cosign tag `.att`, no referrers API", referrers=False, tag=True, media_type=ENVELOPE),
)


def _bundle(envelope: str) -> str:
    hint = base64.b64encode(b"key").decode()
    material = {"publicKey": {"hint": hint}, "tlogEntries": [], "timestampVerificationData": {}}
    return json.dumps({"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": json.loads(envelope)})
