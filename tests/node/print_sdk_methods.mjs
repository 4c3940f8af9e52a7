// Print the paths of the Node client's methods, as JSON.

import OpenAI from "openai";

import { sdkMethods } from "./sdk_methods.mjs";

const client = new OpenAI({ apiKey: "none", baseURL: "http://127.0.0.1" });
console.log(JSON.stringify(sdkMethods(client).map(({ path }) => path)));
