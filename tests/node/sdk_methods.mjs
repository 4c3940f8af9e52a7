// What the official Node client can do with files, uploads, skills and containers, asked of the client itself.

const RESOURCES = ["files", "uploads", "skills", "containers"];

/** All public methods of the client's resources and of what is in them: whose they are, and how one writes them. */
export const sdkMethods = (client) => RESOURCES.flatMap((name) => methodsOf(client[name], name));

/** The paths of the methods of this client that have been called; they are put in as it happens. */
export function recorded(client) {
  const called = new Set();
  for (const { resource, name, path } of sdkMethods(client)) {
    const original = resource[name];
    resource[name] = function noted(...args) {
      called.add(path);
      return original.apply(resource, args);
    };
  }
  return called;
}

const isPublic = (name) => !name.startsWith("_") && name !== "constructor";

function methodsOf(resource, path) {
  const own = Object.getOwnPropertyNames(Object.getPrototypeOf(resource)).filter(isPublic);
  const inner = Object.keys(resource).filter((name) => isPublic(name) && typeof resource[name] === "object");
  return [
    ...own.map((name) => ({ resource, name, path: `${path}.${name}` })),
    ...inner.flatMap((name) => methodsOf(resource[name], `${path}.${name}`)),
  ];
}
