/** The same object with some methods in the place of its own. */
export function changed<T extends object>(target: T, changes: Partial<T>): T {
  const bound = new Map<PropertyKey, unknown>();
  return new Proxy(target, {
    get(object, name) {
      if (bound.has(name)) return bound.get(name);
      const isOwn = !(name in changes);
      const member: unknown = Reflect.get(isOwn ? object : changes, name);
      if (!isOwn || typeof member !== 'function') return member;
      const method: unknown = member.bind(object);
      bound.set(name, method);
      return method;
    },
  });
}
