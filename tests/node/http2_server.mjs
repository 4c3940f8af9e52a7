// http2_server.mjs CHAIN ADDRESS: a TLS server on port 443 that speaks HTTP/2 and nothing else, until its input ends.
import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";

const [chain, address] = process.argv.slice(2);
const pem = readFileSync(chain);
const server = createSecureServer({ key: pem, cert: pem });
server.on("stream", (stream, headers) => {
  stream.respond({ ":status": 200 });
  stream.end(`hello by HTTP/2 at ${headers[":path"]}\n`);
});
server.listen(443, address, () => console.log("listening"));
process.stdin.on("end", () => process.exit()).resume();
