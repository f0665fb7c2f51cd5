/** Such as `2026-11-29 16:10:05`, in UTC: the head above it says so. */
export function instantText(instant: Date): string {
  return instant.toISOString().slice(0, 19).replace('T', ' ');
}
