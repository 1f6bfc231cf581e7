"""A server opens no connection by itself; with [directory] it opens those to the directory, and nothing else does."""

import own_network

# Counts of the whole network that the script has for itself. Whatever address is meant, there is a way to it.
COUNTS = """
ip route add default dev lo
sent() {
  awk '/^Tcp:/ && $6 ~ /[0-9]/ {tcp = $6} /^Udp:/ && $5 ~ /[0-9]/ {udp = $5} END {print tcp + udp}' /proc/net/snmp
}
"""
USED = """
before=$(sent)
export BLINDAI_ADDR=127.0.0.1 BLINDAI_SIMULATION=1
blindai models upload models/blindai-demo-en/blindai-demo-en.onnx --id demo --kind ctc-speech
blindai transcribe models/blindai-demo-en/hello_world.wav --model demo
echo "alone=$before used=$(sent)"
"""
REPORTS = """
cat >server.toml <<END
[directory]
url = "https://192.0.2.1"
key_file = "key"
address = "server.example:8443"
END
echo bai_12345678_nothing >key
chmod 600 key
"""
ASKED = """
until [ "$(sent)" -gt 0 ]; do read -r -t 0.05 -u "$server" || true; done
echo asked
"""


def test_a_server_without_a_directory_sends_nothing_that_no_client_asked_for(tmp_path):
    said = own_network.run(COUNTS + own_network.server("blindai-server --simulation") + USED, tmp_path)
    assert "alone=0 used=2" in said  # the two connections of the two commands


def test_the_count_sees_a_server_that_reports_to_a_directory(tmp_path):
    starts = own_network.server("blindai-server --simulation --config server.toml")
    assert "asked" in own_network.run(COUNTS + REPORTS + starts + ASKED, tmp_path)
