/** The same object with some methods in the place of its own. */
export function changed<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get(object, name) {
      const member: unknown = Reflect.get(name in changes ? changes : object, name);
      return typeof member === 'function' && !(name in changes) ? member.bind(object) : member;
    },
  });
}
