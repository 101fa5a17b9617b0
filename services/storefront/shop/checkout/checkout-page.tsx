'use client';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useMemo, useState } from 'react';
import { SignInFirst } from '../account/sign-in-first.tsx';
import type { Cart } from '../cart/cart.ts';
import { EmptyCart } from '../cart/cart-page.tsx';
import { type PricedCart, pricedCart } from '../cart/priced.ts';
import { useCart } from '../cart/use-cart.ts';
import { rememberPlaced } from '../orders/placed.ts';
import { asksToSignIn, explain, explainOrder } from '../ui/explain.ts';
import { formatAmount } from '../ui/money.ts';
import { Notice } from '../ui/notice.tsx';
import { useProducts } from '../use-products.ts';
import { useVisit, type VisitFacts } from '../visit.tsx';
import { FIRST_PAYMENT, type Payment } from './payment.ts';
import { PaymentChoice } from './payment-choice.tsx';
import { usePlaceOrder } from './use-place-order.ts';

export function CheckoutPage() {
  const { cart } = useCart();
  const { facts } = useVisit();
  const [placed, setPlaced] = useState(false);
  return (
    <section className="narrow" aria-labelledby="checkout-title">
      <h1 id="checkout-title">Checkout</h1>
      {placed && <p className="empty">Your order is placed. One moment…</p>}
      {!placed && (!cart || !facts) && <p className="empty">Loading…</p>}
      {!placed && cart?.length === 0 && <EmptyCart />}
      {!placed && cart && cart.length > 0 && facts && (
        <Allowed cart={cart} facts={facts} onPlaced={() => setPlaced(true)} />
      )}
    </section>
  );
}

interface CheckoutProps {
  cart: Cart;
  facts: VisitFacts;
  onPlaced: () => void;
}

function Allowed(props: CheckoutProps) {
  const { user, features } = props.facts;
  if (user === null && !features.anonymousOrders) {
    return <SignInFirst next="/checkout" why="Your cart stays as it is." />;
  }
  return <Checkout {...props} />;
}

function Checkout({ cart, facts, onPlaced }: CheckoutProps) {
  const { data, problem, busy, reload } = useProducts(cart.map(({ productId }) => productId));
  const priced = useMemo(() => data && pricedCart(cart, data), [cart, data]);
  if (priced) return <Order priced={priced} facts={facts} onPlaced={onPlaced} reload={reload} />;
  if (!problem) return <p className="empty">Looking up prices…</p>;
  return <Notice {...explain(problem)} action={{ label: busy ? 'Trying…' : 'Try again', busy, run: reload }} />;
}

interface OrderProps extends Omit<CheckoutProps, 'cart'> {
  priced: PricedCart;
  reload: () => void;
}

function Order({ priced, facts: { features, user }, onPlaced, reload }: OrderProps) {
  const [payment, setPayment] = useState<Payment | undefined>(FIRST_PAYMENT);
  const { placing, place } = usePlaceOrder();
  const { remove } = useCart();
  const { refresh } = useVisit();
  const router = useRouter();
  const { lines, total } = priced;

  const send = async () => {
    const ordered = lines.map(({ productId, qty }) => ({ productId, qty }));
    const answer = await place({ lines: ordered, ...(features.payments && payment ? { payment } : {}) });
    if (answer?.kind === 'data') {
      rememberPlaced(answer.data, lines);
      onPlaced();
      remove(ordered.map(({ productId }) => productId));
      router.push(`/orders/${answer.data.id}`);
    } else if (answer) {
      if (asksToSignIn(answer.problem)) refresh();
      if (answer.problem.code === 'PRODUCT_NOT_FOUND') reload();
    }
  };

  if (!priced.canBeOrdered) {
    const action = { label: 'Look at the cart', run: () => router.push('/cart') };
    return <Notice title="Something in your cart cannot be ordered" advice="The cart says what, and why." action={action} />; // prettier-ignore
  }
  const isSending = placing.stage === 'sending' || placing.stage === 'placed';
  const isUncertain = placing.stage === 'uncertain';
  return (
    <form
      className="checkout"
      aria-label="Your order"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <Summary priced={priced} />
      {features.payments && total > 0 && (
        <PaymentChoice
          payment={payment}
          onChange={setPayment}
          disabled={isSending || isUncertain}
          canWait={user !== null}
        />
      )}
      {(placing.stage === 'refused' || isUncertain) && <Notice {...explainOrder(placing.problem)} />}
      <div className="sum">
        <p>
          Total <strong className="price">{formatAmount(total)}</strong>
        </p>
        <button type="submit" className="button" aria-disabled={isSending}>
          {isSending ? 'Ordering…' : isUncertain ? 'Send again' : 'Place order'}
        </button>
      </div>
    </form>
  );
}

function Summary({ priced: { lines } }: { priced: PricedCart }) {
  return (
    <section className="summary" aria-labelledby="summary-title">
      <div className="summary-title">
        <h2 id="summary-title">What you order</h2>
        <Link href="/cart" prefetch={false}>
          Change it
        </Link>
      </div>
      <ul className="order-lines">
        {lines.map(({ productId, name, qty, price, formerPrice }) => (
          <li key={productId}>
            <span>
              <span className="times">{qty} ×</span> {name}
              {formerPrice !== undefined && (
                <span className="changed"> The price changed: it was {formatAmount(formerPrice)}.</span>
              )}
            </span>
            <span className="price">{formatAmount(price * qty)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
