const SECRET_NAME =
  /authorization|cookie|token|secret|password|passwd|credential|session|assertion|jwt|api-?key|signature/i;
/** A JSON web token, wherever it stands. */
const JSON_WEB_TOKEN = /\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*/;

/** Headers to be shown: the values of those that carry tokens, by their name or by what they look like, are hidden. */
export function hiddenHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      SECRET_NAME.test(name) || JSON_WEB_TOKEN.test(value) ? hidden(value) : value,
    ]),
  );
}

function hidden(value: string): string {
  const scheme = /^(Bearer|Basic|Digest) /i.exec(value)?.[0] ?? '';
  return `${scheme}(hidden: ${value.length - scheme.length} characters)`;
}
