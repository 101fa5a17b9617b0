export default function NotFound() {
  return (
    <div className="empty">
      <strong>There is nothing here</strong>
      <p>
        <a href="/">Go to the shop</a>
      </p>
    </div>
  );
}
