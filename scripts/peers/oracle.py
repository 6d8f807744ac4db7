"""scim2-server as it comes, with a queue for connections as long as other servers have.

Usage: oracle.py PORT TOKEN CONFIGURATION
"""

import sys

from scim2_server.testserver import cli

port, token, configuration = sys.argv[1:]
cli.ThreadingWSGIServer.request_queue_size = 128
sys.argv = ["scim2-server", "--port", port, "--bearer-token", token, "--service-provider-config", configuration]
cli.main()
