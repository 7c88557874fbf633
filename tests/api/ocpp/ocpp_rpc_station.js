// A station of the npm package ocpp-rpc in strict mode: makes calls from a script and tells how it went.
// node ocpp_rpc_station.js SCRIPT.json, where the script is {endpoint, protocol, calls, answers, waitFor};
// a line of JSON is printed at the end: {answers, asked, failures}.
const fs = require("fs");
const { RPCClient, createRPCError, createValidator } = require("ocpp-rpc");
const schemas21 = require("ocpp-rpc/lib/schemas/ocpp2_1.json");

// Version 2.2.1 looks for the schemas of 2.1 under names that its own file does not use.
const named = schemas21.map((schema) => ({
  ...schema,
  $id: schema.$id.replace(/Request$/, ".req").replace(/Response$/, ".conf"),
}));

const script = JSON.parse(fs.readFileSync(process.argv[2], "utf-8"));
const told = { answers: [], asked: [], failures: [] };

async function main() {
  const station = new RPCClient({
    endpoint: script.endpoint,
    identity: "CS1",
    protocols: [script.protocol],
    strictMode: true,
    strictModeValidators: [createValidator("ocpp2.1", named)],
    reconnect: false,
    callTimeoutMs: 60000,
  });
  const waiting = new Set(script.waitFor);
  let allAsked;
  const asked = new Promise((resolve) => (allAsked = resolve));
  station.on("strictValidationFailure", (failure) => told.failures.push(String(failure.error)));
  station.handle(({ method, params }) => {
    told.asked.push([method, params]);
    waiting.delete(method);
    if (waiting.size === 0) setImmediate(allAsked);
    if (!(method in script.answers)) throw createRPCError("NotImplemented");
    return script.answers[method];
  });
  await station.connect();
  for (const [action, payload] of script.calls) {
    try {
      told.answers.push([action, await station.call(action, payload)]);
    } catch (error) {
      told.failures.push(`${action}: ${error.rpcErrorCode} ${error.message}`);
    }
  }
  if (told.failures.length === 0) await asked;
  await station.close();
}

main()
  .catch((error) => told.failures.push(String(error)))
  .finally(() => console.log(JSON.stringify(told)));
