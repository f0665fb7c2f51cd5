/** What a variable of the environment says. An empty one says nothing: `NAME= command` is how a shell takes a variable back. */
export function variable(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env[name] || undefined;
}
